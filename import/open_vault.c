/*
 * import/open_vault.c - having ccctl open or make the vault.
 */
#include "import/open_vault.h"

#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "import/outside.h"

int open_vault(struct client *c, bool given, struct failure *f)
{
	bool none;
	int r;

	if (outside_connect(c, f) != 0)
		return -1;
	if (strcmp(c->state, "unlocked") == 0)
		return 0;
	none = strcmp(c->state, "none") == 0;
	if (none && (given || !ask_possible()))
		return fail_set(f, FAIL_NO_VAULT, "ccctl init, then the same command again",
				"there is no vault yet");
	if (none) {
		r = outside_ask(OUTSIDE_INIT, f);
	} else if (given || ask_possible()) {
		r = outside_ask(OUTSIDE_UNLOCK, f);
	} else {
		/* A broker that has just started, not one that somebody locked. */
		r = strcmp(c->why, "start") == 0 ? outside_ask(OUTSIDE_AUTO, f) : EXIT_LOCKED;
		if (r > 0)
			return fail_set(f, FAIL_LOCKED, "ccctl unlock, then the same command again",
					"the vault is locked");
	}
	return r != 0 ? r : outside_connect(c, f);
}
