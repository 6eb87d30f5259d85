/*
 * shim/invoked_name.c - ccrun invoked by the name of a link to it.
 */
#include "shim/invoked_name.h"

#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/settings/ccrun_conf.h"
#include "shim/arguments.h"

/* Copy the value of the name in [links] to out; "" when it has none.  0 or -1. */
static int link_read(const char *name, char *out, size_t size, struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	out[0] = '\0';
	if (r != INI_READ)
		return r == INI_ABSENT ? 0 : -1;
	it = ini_file_get(file, "links", name);
	if (it && strlen(it->value) < size)
		memcpy(out, it->value, strlen(it->value) + 1);
	ini_file_free(file);
	return 0;
}

enum invoked_name invoked_name_parse(struct arguments *a, char **argv, struct failure *f)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0], *to = name;
	char value[sizeof(CCRUN_CONF_WRAP) + NAME_MAX_LEN + 1 + NAME_MAX_LEN +
		   1]; /* and NAME:MODE */
	bool wraps;

	/* A login shell's "-ccrun", or nothing at all, is no link. */
	if (strcmp(name, "ccrun") == 0 || name[0] == '-' || name[0] == '\0')
		return INVOKED_AS_CCRUN;
	memset(a, 0, sizeof(*a));
	if (link_read(name, value, sizeof(value), f) != 0)
		return INVOKED_UNKNOWN;
	wraps = strncmp(value, CCRUN_CONF_WRAP, strlen(CCRUN_CONF_WRAP)) == 0;
	if (value[0])
		to = wraps ? value + strlen(CCRUN_CONF_WRAP) : value;
	a->rest = argv + 1;
	if (wraps) {
		if (!argv[1]) {
			fail_set(f, FAIL_USAGE,
				 "its first word is the program to run, as an editor calls it",
				 "%.64s needs a program", name);
			return INVOKED_UNKNOWN;
		}
		arguments_set_wrapped(a, argv + 1);
	}
	if (arguments_set_provider(a, to, NULL) == 0)
		return INVOKED_BY_LINK;
	fail_set(f, FAIL_USAGE,
		 "ccctl link COMMAND PROVIDER makes a command; ccrun --list shows the providers",
		 "called as '%.80s', which is no link and no provider's name", name);
	return INVOKED_UNKNOWN;
}
