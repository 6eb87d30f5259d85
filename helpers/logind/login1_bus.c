/*
 * helpers/logind/login1_bus.c - what a failed call to logind is called.
 */
#include "helpers/logind/login1_bus.h"

#include <string.h>

#include "base/fail.h"

#define HINT_LOCK_BY_HAND "without logind, close the vault by hand: ccctl lock"

int login1_bus_failure(struct failure *f, int r, sd_bus_error *e, const char *what)
{
	fail_set(f, FAIL_SYSTEM, HINT_LOCK_BY_HAND, "%s: %s", what,
		 e && e->message ? e->message : strerror(-r));
	if (e)
		sd_bus_error_free(e);
	return -1;
}
