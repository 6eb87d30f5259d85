/*
 * shim/provider_choice.c - which provider, when the command line names none.
 */
#include "shim/provider_choice.h"

#include <stdio.h>
#include <string.h>

#include "config/ini/ini_file.h"
#include "config/project/project.h"
#include "config/settings/ccrun_conf.h"
#include "shim/arguments.h"
#include "shim/project_pin.h"

/* Set a to [ccrun] default of ccrun.conf, where there is one.  0 or -1. */
static int default_read(struct arguments *a, struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	if (r != INI_READ)
		return r == INI_ABSENT ? 0 : -1;
	it = ini_file_get(file, "ccrun", "default");
	r = it && it->value[0] ? arguments_set_provider(a, it->value, f) : 0;
	ini_file_free(file);
	a->mode_replaceable = true;
	return r;
}

int provider_choose(struct arguments *a, struct project *pin, struct failure *f)
{
	enum pin_result r;

	pin->path[0] = '\0';
	if (a->provider[0])
		return 0;
	r = pin_find_allowed(pin, !a->dry_run, f);
	if (r != PIN_ALLOWED) {
		pin->path[0] = '\0';
		return r == PIN_NONE ? default_read(a, f) : -1;
	}
	snprintf(a->provider, sizeof(a->provider), "%s", pin->provider);
	snprintf(a->mode, sizeof(a->mode), "%s", pin->mode);
	a->mode_replaceable = true;
	return 0;
}
