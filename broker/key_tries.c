/*
 * broker/key_tries.c - wrong keys, counted; time takes from the count.
 */
#include "broker/key_tries.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/fail.h"
#include "broker/limits.h"
#include "broker/tenant.h"

/* What time has taken from the count since it was last looked at. */
static void tries_forget(struct tenant *t)
{
	int64_t now = clock_now_ms(), over = (now - t->wrong_keys_ms) / WRONG_KEY_MS;

	if (t->wrong_keys == 0 || over >= t->wrong_keys) {
		t->wrong_keys = 0;
		t->wrong_keys_ms = now;
	} else {
		t->wrong_keys -= (unsigned)over;
		t->wrong_keys_ms += over * WRONG_KEY_MS;
	}
}

int key_tries_check(struct tenant *t, struct failure *f)
{
	int64_t left;

	if (!t->system)
		return 0;
	tries_forget(t);
	if (t->wrong_keys < WRONG_KEYS_UID)
		return 0;
	left = t->wrong_keys_ms + WRONG_KEY_MS - clock_now_ms();
	return fail_set(f, FAIL_BUSY, "ccctl log shows the processes that tried them",
			"%u wrong keys were tried; the next one in %" PRId64 " s", t->wrong_keys,
			left > 0 ? (left + 999) / 1000 : 1);
}

void key_tries_note(struct tenant *t, const struct failure *f)
{
	if (t->system && f->code == FAIL_WRONG_KEY)
		t->wrong_keys++;
}
