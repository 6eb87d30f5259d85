/*
 * client/unlink.c - ccctl unlink: remove a command that ccctl link made.
 */
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/links.h"
#include "client/common/options.h"
#include "client/verbs.h"
#include "config/ini/user_file.h"
#include "config/settings/ccrun_conf.h"

int verb_unlink(struct client *c, int argc, char **argv, struct failure *f)
{
	char path[PATH_SIZE], dir[PATH_SIZE];
	char value[LINK_VALUE];
	bool linked;
	const char *name;
	int r;

	(void)c;
	if (no_options(argc, argv, f) != 0 || require_words(argc, argv, 1, f) != 0 ||
	    require_name(argv[optind], f) != 0)
		return -1;
	name = argv[optind];
	if (strcmp(name, "ccrun") == 0)
		return fail_set(f, FAIL_USAGE, "make uninstall removes it",
				"ccrun is no command that `ccctl link` made");
	linked = link_in_path(name, true, path);
	if (!linked && link_choose_dir(NULL, dir, NULL) == 0)
		linked = link_join(path, dir, strlen(dir), name) && link_is_ours(path);
	if (linked && io_remove_file(path) != 0)
		return fail_errno(f, NULL, "%s", path);
	r = link_meaning(name, value, f);
	if (r < 0)
		return -1;
	if (!r && !linked)
		return fail_set(f, FAIL_NO_ENTRY, "ccctl link lists them", "there is no link '%s'",
				name);
	return r && user_file_set(CCRUN_CONF_LEAF, "links", name, NULL, f) != 0 ? -1 : EXIT_DONE;
}
