/*
 * statusline/session_spending.h - what was used of the session's key today, and of its
 * limit, as the broker says.  Numbers alone.
 */
#ifndef STATUSLINE_SESSION_SPENDING_H
#define STATUSLINE_SESSION_SPENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/limit_text.h"

struct session_provider;

#define SESSION_SPENDING_TEXT 64

struct session_spending {
	char text[SESSION_SPENDING_TEXT]; /* "$3.10 of $10/day", "1.24M today"; "": nothing known */
	bool limited;
	double percent; /* of the limit */
};

/* Ask the broker, within ms milliseconds.  Never fails: see text. */
void session_spending_read(const struct session_provider *p, int ms, struct session_spending *out);

#endif
