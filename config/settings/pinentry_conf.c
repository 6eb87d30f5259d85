/*
 * config/settings/pinentry_conf.c - which pinentry.
 *
 * MUST: never one from PATH, and none that another than root could put there.
 */
#include "config/settings/pinentry_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "config/settings/ccrun_conf.h"

#define DEFAULT_PROGRAM "/usr/bin/pinentry"

int pinentry_conf_read(char program[PATH_SIZE], struct failure *f)
{
	char named[PATH_SIZE] = "no";
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	if (r < 0)
		return -1;
	it = r == 1 ? ini_file_get(file, "ccrun", "pinentry") : NULL;
	if (it && it->value[0])
		snprintf(named, sizeof(named), "%s", it->value);
	ini_file_free(file);
	if (strcmp(named, "no") == 0)
		return 0;
	if (strcmp(named, "yes") == 0)
		snprintf(named, sizeof(named), "%s", DEFAULT_PROGRAM);
	if (!control_active(CONTROL_PINENTRY_OWNER)) {
		snprintf(program, PATH_SIZE, "%s", named);
		return 1;
	}
	return path_root_owned(named, program, f) == 0 ? 1 : -1;
}
