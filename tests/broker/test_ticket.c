/*
 * tests/broker/test_ticket.c - which keys a session's ticket is for: all that are asked for are
 * that session's, and the one that is counted is its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "broker/session.h"
#include "broker/tenant.h"
#include "broker/ticket.h"

static struct tenant t;

/* A session of these entries, which go into the endpoint's own header and into others. */
static struct session session_of(const char *first, const char *second)
{
	struct session s = { .entries = second ? 2 : 1 };

	snprintf(s.id, sizeof(s.id), "%s", "0123456789abcdef");
	snprintf(s.entry[0], sizeof(s.entry[0]), "%s", first);
	snprintf(s.variable[0], sizeof(s.variable[0]), "ANTHROPIC_AUTH_TOKEN");
	if (second)
		snprintf(s.entry[1], sizeof(s.entry[1]), "%s", second);
	snprintf(s.variable[1], sizeof(s.variable[1]), "header:x-second");
	return s;
}

/* What is said against its ticket, "" if nothing. */
static const char *shows(struct session s, const char *ticket)
{
	static struct failure f;

	f.what[0] = '\0';
	if (ticket_show(&t, &s, ticket, &f) == 0) {
		assert_true(s.has_shown_ticket);
		return "";
	}
	assert_int_equal(f.code, FAIL_MARKED);
	assert_false(s.has_shown_ticket);
	return f.what;
}

static void test_whose_keys(void **state)
{
	struct session s = session_of("team", "gateway"), alone;

	(void)state;
	assert_int_equal(ticket_make(&t, &s, 0, NULL), 0);
	assert_string_equal(shows(session_of("team", "gateway"), s.ticket), "");
	assert_string_equal(shows(session_of("team", NULL), s.ticket), "");
	assert_non_null(strstr(shows(session_of("other", NULL), s.ticket), "own key"));
	/* Not beside one of the session's, either. */
	assert_non_null(strstr(shows(session_of("team", "other"), s.ticket), "own key"));
	/* What goes into a further header alone is counted by itself. */
	alone = session_of("gateway", NULL);
	assert_non_null(strstr(shows(alone, s.ticket), "counted"));
	assert_non_null(strstr(shows(s, "0123"), "has ended"));
	free(t.tickets);
	t.tickets = NULL;
}

/* A session inside says which provider it is; the record is not to name another's. */
static void test_whose_provider(void **state)
{
	struct session s = session_of("team", NULL), inside = session_of("team", NULL);
	struct failure f;

	(void)state;
	strcpy(s.provider, "zai");
	strcpy(inside.provider, "ollama");
	assert_int_equal(ticket_make(&t, &s, 0, NULL), 0);
	assert_int_equal(ticket_show(&t, &inside, s.ticket, &f), 0);
	assert_string_equal(inside.provider, "zai");
	free(t.tickets);
	t.tickets = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_whose_keys),
					    cmocka_unit_test(test_whose_provider) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
