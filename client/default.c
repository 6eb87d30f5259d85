/*
 * client/default.c - ccctl default: what `ccrun` without a provider runs.
 */
#include <stdio.h>

#include "base/fail.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"
#include "config/ini/ini_file.h"
#include "config/ini/user_file.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"

static int default_show(struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	int r = ccrun_conf_read(&file, f);

	if (r < 0)
		return -1;
	it = r == INI_READ ? ini_file_get(file, "ccrun", "default") : NULL;
	if (it && it->value[0])
		puts(it->value);
	r = it && it->value[0];
	ini_file_free(file);
	return r ? EXIT_DONE
		 : fail_set(f, FAIL_NO_ENTRY, "ccctl default PROVIDER",
			    "there is no default provider");
}

int verb_default(struct client *c, int argc, char **argv, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	bool first = true, unset = false;
	struct provider *p;
	int opt;

	(void)c;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		unset = true;
	}
	if (!unset && optind == argc)
		return default_show(f);
	if (require_words(argc, argv, unset ? 0 : 1, f) != 0)
		return -1;
	if (!unset) {
		if (split_provider(argv[optind], name, mode, f) != 0 ||
		    provider_load(name, mode, &p, f) != 0)
			return -1;
		provider_free(p);
	}
	if (user_file_set(CCRUN_CONF_LEAF, "ccrun", "default", unset ? NULL : argv[optind], f) != 0)
		return -1;
	say(unset ? "`ccrun` alone runs no provider now"
		  : "`ccrun` alone runs %s now, where no project is pinned",
	    argv[optind]);
	return EXIT_DONE;
}
