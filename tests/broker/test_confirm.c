/*
 * tests/broker/test_confirm.c - whose yes it is: a process by pid and start time, all that was
 * shown, once; and a table that cannot be filled by what has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/vault/vault_fixture.h"

#include "base/proc.h"
#include "broker/confirm.h"
#include "broker/connection.h"
#include "broker/tenant.h"
#include "vault/crypto.h"

#define NO_SUCH_PID 0x3fffffff /* over the kernel's largest */

static struct tenant tenant;

static void begin(void)
{
	tenant = (struct tenant){ .audit.fd = -1, .audit.dir = -1 };
	tenant.vault = fresh();
}

static void end(void)
{
	confirm_free(&tenant);
	assert_null(tenant.launches);
	assert_null(tenant.first_launches);
	vault_free(tenant.vault);
}

/* This process, as if it had connected. */
static void connected(struct connection *c, const char *entry)
{
	struct proc_stat st;

	memset(c, 0, sizeof(*c));
	assert_int_equal(proc_stat(getpid(), &st), 0);
	c->tenant = &tenant;
	c->peer.pid = getpid();
	c->peer.start = st.start;
	c->session.entries = 1;
	snprintf(c->session.entry[0], sizeof(c->session.entry[0]), "%s", entry);
}

static enum fail_code check(struct connection *c)
{
	enum confirm level = strcmp(c->session.entry[0], "each") == 0	? CONFIRM_SESSION
			     : strcmp(c->session.entry[0], "once") == 0 ? CONFIRM_FIRST
									: CONFIRM_NO;
	struct failure f = { 0 };

	if (confirm_check(c, &level, "", &f) == 0)
		return FAIL_NONE;
	assert_false(c->session.confirmed);
	return f.code;
}

static void answer(const struct connection *c, bool yes)
{
	struct launch *l = confirm_find_process(&tenant, c->peer.pid, c->peer.start);

	assert_non_null(l);
	confirm_answer(l, yes);
}

static void test_which_ask(void **state)
{
	static struct connection c;

	(void)state;
	begin();
	connected(&c, "free");
	assert_int_equal(check(&c), FAIL_NONE);
	assert_false(c.session.confirmed);
	connected(&c, "each");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	answer(&c, true);
	assert_int_equal(check(&c), FAIL_NONE);
	assert_true(c.session.confirmed);
	confirm_granted(&c);
	/* the next one asks; one inside it does not, unless nobody said yes to it */
	connected(&c, "each");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	c.session.has_shown_ticket = c.session.confirmed = true;
	assert_int_equal(check(&c), FAIL_NONE);
	c.session.confirmed = false;
	assert_int_equal(check(&c), FAIL_CONFIRM);
	end();
}

static void test_a_pid_is_reused(void **state)
{
	static struct connection c, later;

	(void)state;
	begin();
	connected(&c, "each");
	connected(&later, "each");
	later.peer.start++;
	assert_int_equal(check(&c), FAIL_CONFIRM);
	assert_null(confirm_find_process(&tenant, later.peer.pid, later.peer.start));
	answer(&c, true);
	assert_int_equal(check(&later), FAIL_CONFIRM);
	/* and what the other one was granted is no use of the first one's yes */
	confirm_granted(&later);
	assert_int_equal(check(&c), FAIL_NONE);
	end();
}

/* A message that was queued before the pid was seen, on kernels that cannot tell. */
static void test_no_yes_for_an_unverified_message(void **state)
{
	static struct connection c;

	(void)state;
	begin();
	connected(&c, "each");
	c.unverified = true;
	assert_int_equal(check(&c), FAIL_CONFIRM);
	answer(&c, true);
	assert_int_equal(check(&c), FAIL_PEER);
	c.unverified = false;
	assert_int_equal(check(&c), FAIL_NONE);
	end();
}

static void test_whose_process_has_ended_waits_no_more(void **state)
{
	static struct connection c;
	struct failure f;
	unsigned i;

	(void)state;
	begin();
	connected(&c, "each");
	/* any number of them: none takes a place */
	for (i = 0; i < 5 * CONFIRM_LAUNCHES_MAX; i++) {
		c.peer.pid = NO_SUCH_PID;
		c.peer.start = i;
		assert_int_equal(check(&c), FAIL_CONFIRM);
		assert_null(confirm_find(&tenant, tenant.launches->id, &f));
		assert_int_equal(f.code, FAIL_NO_ENTRY);
	}
	assert_int_equal(confirm_count(&tenant), 0);
	/* as if the pid were another process's now */
	connected(&c, "each");
	c.peer.start++;
	assert_int_equal(check(&c), FAIL_CONFIRM);
	assert_int_equal(confirm_count(&tenant), 0);
	connected(&c, "each");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	assert_int_equal(confirm_count(&tenant), 1);
	assert_non_null(confirm_find(&tenant, tenant.launches->id, &f));
	end();
}

static void test_a_yes_that_was_not_taken_keeps_its_place(void **state)
{
	static struct connection c;
	unsigned i;

	(void)state;
	begin();
	connected(&c, "each");
	for (i = 0; i < CONFIRM_LAUNCHES_MAX; i++) {
		c.peer.pid = NO_SUCH_PID;
		c.peer.start = i;
		assert_int_equal(check(&c), FAIL_CONFIRM);
		answer(&c, true);
	}
	connected(&c, "each");
	assert_int_equal(check(&c), FAIL_BUSY);
	c.peer.pid = NO_SUCH_PID;
	c.peer.start = 0;
	assert_int_equal(check(&c), FAIL_NONE);
	end();
}

static void test_a_no_and_a_lock(void **state)
{
	static struct connection c;

	(void)state;
	begin();
	connected(&c, "each");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	answer(&c, false);
	assert_int_equal(check(&c), FAIL_CONFIRM);
	answer(&c, true);
	confirm_lock(&tenant);
	assert_int_equal(check(&c), FAIL_CONFIRM);
	end();
}

static void test_first(void **state)
{
	static struct connection c;

	(void)state;
	begin();
	connected(&c, "once");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	/* granted without its yes, it is no first */
	confirm_granted(&c);
	assert_int_equal(check(&c), FAIL_CONFIRM);
	answer(&c, true);
	assert_int_equal(check(&c), FAIL_NONE);
	confirm_granted(&c);
	connected(&c, "once");
	assert_int_equal(check(&c), FAIL_NONE);
	assert_true(c.session.confirmed);
	confirm_forget(&tenant, "each");
	connected(&c, "once");
	assert_int_equal(check(&c), FAIL_NONE);
	confirm_forget(&tenant, "once");
	connected(&c, "once");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	end();
}

/* One that nobody answered in time, and a yes that nobody took: told for a while, then gone. */
static void test_too_late(void **state)
{
	static struct connection c;
	struct launch *l;
	int64_t ends;
	int yes;

	(void)state;
	for (yes = 0; yes < 2; yes++) {
		begin();
		connected(&c, "each");
		assert_int_equal(check(&c), FAIL_CONFIRM);
		l = confirm_find_process(&tenant, c.peer.pid, c.peer.start);
		if (yes)
			confirm_answer(l, true);
		ends = l->ends_ms;
		confirm_expire(&tenant, ends - 1);
		assert_int_equal(l->state, yes ? LAUNCH_CONFIRMED : LAUNCH_WAITS);
		confirm_expire(&tenant, ends);
		assert_int_equal(l->state, LAUNCH_LATE);
		assert_false(l->unsaid);
		assert_false(confirm_waits(l));
		ends = l->ends_ms;
		confirm_expire(&tenant, ends - 1);
		assert_ptr_equal(tenant.launches, l);
		confirm_expire(&tenant, ends);
		assert_null(tenant.launches);
		end();
	}
}

/* What a person denied is told as that, for a while too. */
static void test_denied_is_not_late(void **state)
{
	static struct connection c;
	int64_t ends;

	(void)state;
	begin();
	connected(&c, "each");
	assert_int_equal(check(&c), FAIL_CONFIRM);
	answer(&c, false);
	ends = tenant.launches->ends_ms;
	confirm_expire(&tenant, ends - 1);
	assert_int_equal(tenant.launches->state, LAUNCH_DENIED);
	confirm_expire(&tenant, ends);
	assert_null(tenant.launches);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_which_ask),
		T(test_a_pid_is_reused),
		T(test_no_yes_for_an_unverified_message),
		T(test_whose_process_has_ended_waits_no_more),
		T(test_a_yes_that_was_not_taken_keeps_its_place),
		T(test_a_no_and_a_lock),
		T(test_first),
		T(test_too_late),
		T(test_denied_is_not_late),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
