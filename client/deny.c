/*
 * client/deny.c - ccctl deny: no longer follow a project's .ccrun file.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/pin_argument.h"
#include "client/verbs.h"
#include "config/project/project.h"
#include "config/project/allowed_pins.h"

/* Is this the path of a .ccrun file, rather than of its directory? */
static bool deny_names_pin(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && strcmp(slash + 1, PROJECT_LEAF) == 0;
}

int verb_deny(struct client *c, int argc, char **argv, struct failure *f)
{
	char path[PATH_SIZE];
	static struct project p;
	bool was;

	(void)c;
	if (no_options(argc, argv, f) != 0)
		return -1;
	/* A file that is gone or cannot be parsed can still be denied, by its path. */
	if (pin_from_arguments(argc, argv, &p, f) != 0 && !p.path[0]) {
		if (argc - optind != 1 || argv[optind][0] != '/')
			return -1;
		if (snprintf(p.path, sizeof(p.path), "%s%s", argv[optind],
			     deny_names_pin(argv[optind]) ? "" : "/" PROJECT_LEAF) >=
		    (int)sizeof(p.path))
			return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...",
					argv[optind]);
	}
	memcpy(path, p.path, sizeof(path));
	if (allowed_forget(path, &was, f) != 0)
		return -1;
	if (!was)
		return fail_set(f, FAIL_NO_ENTRY, NULL, "%s was not allowed", path);
	say("%s is no longer allowed", path);
	return EXIT_DONE;
}
