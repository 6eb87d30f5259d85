/*
 * client/lock.c - ccctl lock: close the vault.
 */
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"
#include "dial/user_broker.h"

int verb_lock(struct client *c, int argc, char **argv, struct failure *f)
{
	if (no_options(argc, argv, f) != 0 || require_words(argc, argv, 0, f) != 0)
		return -1;
	if (client_connect(c, false, f) != 0) {
		if (f->code != FAIL_NO_BROKER)
			return -1;
		say("no broker is running: nothing is unlocked");
		return EXIT_DONE;
	}
	if (client_call(c, wire_request("lock"), f) != 0)
		return -1;
	if (user_broker_check_hidden(&c->dial, f) != 0)
		return -1;
	say("locked: every secret in the broker is wiped");
	return EXIT_DONE;
}
