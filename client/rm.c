/*
 * client/rm.c - ccctl rm: remove an entry.
 */
#include <stdio.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "spec/spec.h"

static int rm_entry(struct client *c, const char *name, bool yes, struct failure *f)
{
	char question[160];
	struct listed e;
	struct wire_out *o;

	/* Known before a person is asked to agree. */
	if (vault_open_for_person(c, f) != 0 || entry_require(c, name, &e, f) != 0)
		return -1;
	if (!yes && terminal_asks()) {
		snprintf(question, sizeof(question), "remove the key '%s'?", name);
		if (terminal_yes(question, &yes, f) != 0)
			return -1;
		if (!yes)
			return fail_set(f, FAIL_DECLINED, NULL, "'%s' was kept", name);
	}
	if (person_identify(c, f) != 0)
		return -1;
	o = wire_request("rm");
	wire_put_str(o, "name", name);
	if (person_call(c, o, f) != 0)
		return -1;
	say("removed '%s'", name);
	return 0;
}

int verb_rm(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, yes = false;
	int opt, fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0))
			return -1;
		yes = yes || opt == OPTION_YES;
	}
	if (require_words(argc, argv, 1, f) != 0 || require_name(argv[optind], f) != 0 ||
	    person_read_fd(c, fd, f) != 0)
		return -1;
	return rm_entry(c, argv[optind], yes, f) == 0 ? EXIT_DONE : -1;
}
