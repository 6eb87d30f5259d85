/*
 * client/rm.c - ccctl rm: remove an entry.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/verbs.h"

static const struct option rm_options[] = { { "yes", no_argument, NULL, 'y' },
					    { NULL, 0, NULL, 0 } };

/* Checked before a person is asked to agree. */
static int rm_check_there(struct client *c, const char *name, struct failure *f)
{
	struct listed *list;
	bool found;
	unsigned n;

	if (client_connect(c, true, f) != 0 || entries_fetch(c, &list, &n, f) != 0)
		return -1;
	found = entries_find(list, n, name) != NULL;
	free(list);
	if (found)
		return 0;
	fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'", name);
	entries_hint_for_provider(name, f);
	return -1;
}

int verb_rm(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, yes = false;
	char question[160];
	struct wire_out *o;
	const char *name;
	int opt;

	while ((opt = next_option(&first, argc, argv, ":y", rm_options, f)) != -1) {
		if (opt == '?')
			return -1;
		yes = true;
	}
	if (require_words(argc, argv, 1, f) != 0 || require_name(argv[optind], f) != 0)
		return -1;
	name = argv[optind];
	if (rm_check_there(c, name, f) != 0)
		return -1;
	if (!yes && terminal_asks()) {
		snprintf(question, sizeof(question), "remove the key '%s'?", name);
		if (terminal_yes(question, &yes, f) != 0)
			return -1;
		if (!yes)
			return fail_set(f, FAIL_DECLINED, NULL, "'%s' was kept", name);
		if (client_connect(c, true, f) != 0)
			return -1;
	}
	o = wire_request("rm");
	wire_put_str(o, "name", name);
	if (client_call(c, o, f) != 0)
		return -1;
	say("removed '%s'", name);
	return EXIT_DONE;
}
