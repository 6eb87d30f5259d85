/*
 * tests/broker/test_relay_value.c - when a relay gets its tokens: at once, when they have been
 * fetched from where they stay, or not; and how often they are fetched again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/base/base_fixture.h"
#include "tests/vault/vault_fixture.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "broker/broker.h"
#include "broker/relay.h"
#include "broker/relay_value.h"
#include "vault/crypto.h"
#include "vault/tokens.h"
#include "wire/unpack.h"

#define POLICY "delivery=relay nested=deny strict=no exposed=no confine=off"
#define PAUSE_MS 15000
#define WINDOW_MS 600000

/* The places of the broker. */
enum { CHANNEL, WORKER, ELSEWHERE, PLACES };

static struct connection place[PLACES];
static struct connection *const c = &place[CHANNEL];
static struct broker b;
static struct tenant *const t = &b.tenant[0];
static struct relay *relay;
static unsigned kept;
static int far[PLACES]; /* the other ends */
static struct failure f;
static pid_t marked, unmarked;

/* ---- who is there ---- */

static pid_t start(bool mark)
{
	int ready[2];
	char one;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (mark)
			proc_mark_self();
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &one, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void peer_set(struct peer *p, pid_t pid)
{
	struct proc_stat st;

	assert_int_equal(proc_stat(pid, &st), 0);
	*p = (struct peer){ .pid = pid, .uid = getuid(), .pidfd = -1, .start = st.start };
}

static void add(const char *name, bool source)
{
	static const struct entry_source from = { "pass:a/b", "pass show a/b", "line" };
	struct entry e = made(name, source ? "" : "token-of-its-own");

	snprintf(e.policy, sizeof(e.policy), "%s", POLICY);
	if (source) {
		e.source = &from;
		e.token = NULL;
		e.token_len = 0;
	}
	if (vault_put(t->vault, &e, &f) != 0)
		fail_msg("%s", f.what);
}

/* The session uses this one, too. */
static void use(const char *name)
{
	struct session *s = &c->session;
	const struct entry *e = vault_find(t->vault, name);

	memcpy(s->entry[s->entries], e->name, sizeof(e->name));
	memcpy(s->variable[s->entries], e->variable, sizeof(e->variable));
	memcpy(s->origin[s->entries], e->origin, sizeof(e->origin));
	s->entries++;
}

static void fetched(const char *name, const char *token, int64_t since, int64_t until)
{
	assert_int_equal(vault_token_set_fetched(t->vault, name, (const uint8_t *)token,
						 strlen(token), since, until, &f),
			 0);
}

/* A session by relay, a process that fetches `far`, and another tenant's connection. */
static int begin(void **state)
{
	int fds[2], i;

	if (make_dir(state) != 0 || setup(state) != 0)
		return -1;
	memset(&b, 0, sizeof(b));
	memset(place, 0, sizeof(place));
	b.connection = place;
	b.places = PLACES;
	if (audit_open(&t->audit, dir, &f) != 0)
		return -1;
	t->vault = fresh();
	relay = relay_new(&kept);
	for (i = 0; i < PLACES; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) != 0)
			return -1;
		place[i].fd = fds[0];
		far[i] = fds[1];
		place[i].tenant = t;
	}
	place[ELSEWHERE].tenant = &b.tenant[1];
	peer_set(&c->peer, marked);
	c->relay = relay;
	c->session.delivery = DELIVERY_RELAY;
	c->session.confine = CONFINE_OFF;
	snprintf(c->session.image, sizeof(c->session.image), "/before");
	snprintf(place[WORKER].renewer.name[0], sizeof(place[WORKER].renewer.name[0]), "far");
	place[WORKER].renewer.names = 1;
	place[WORKER].renewer.waiting = true;
	t->relays = relay;
	relay->session = &c->session;
	relay->process = &c->peer;
	relay->channel = c->fd;
	add("own", false);
	add("far", true);
	return 0;
}

static int end(void **state)
{
	int i;

	for (i = 0; i < PLACES; i++) {
		close(place[i].fd);
		close(far[i]);
	}
	relay_free(relay);
	vault_free(t->vault);
	audit_close(&t->audit);
	return teardown(state) == 0 ? remove_dir(state) : -1;
}

/* ---- what is heard ---- */

static struct heard {
	char op[32], error[32], message[256], token[64];
	uint64_t index, count, expires;
	bool has_expires;
} heard;

/* The next message at that place's other end; false: there is none. */
static bool hear(int at)
{
	static char packet[8192];
	ssize_t n = recv(far[at], packet, sizeof(packet), MSG_DONTWAIT);
	const uint8_t *token;
	struct wire_in in;
	size_t len;

	memset(&heard, 0, sizeof(heard));
	if (n <= 0)
		return false;
	assert_int_equal(wire_parse(&in, packet, (size_t)n, &f), 0);
	if (wire_get_text(in.top, "op", heard.op, sizeof(heard.op), NULL) != 0)
		wire_get_text(in.top, "name", heard.op, sizeof(heard.op), NULL);
	wire_get_text(in.top, "error", heard.error, sizeof(heard.error), NULL);
	wire_get_text(in.top, "message", heard.message, sizeof(heard.message), NULL);
	wire_get_uint(in.top, "index", &heard.index, NULL);
	wire_get_uint(in.top, "count", &heard.count, NULL);
	heard.has_expires = wire_get_uint(in.top, "expires", &heard.expires, NULL) == 0;
	if (wire_get_bin(in.top, "token", &token, &len, NULL) == 0)
		memcpy(heard.token, token, len < sizeof(heard.token) ? len : 0);
	wire_in_free(&in);
	return true;
}

static void expect_given(const char *token)
{
	assert_true(hear(CHANNEL));
	assert_string_equal(heard.op, "value");
	assert_string_equal(heard.token, token);
	assert_string_equal(relay->awaits, "");
}

static void expect_none(const char *error, const char *words)
{
	assert_true(hear(CHANNEL));
	assert_string_equal(heard.op, "no-value");
	assert_string_equal(heard.error, error);
	assert_non_null(strstr(heard.message, words));
	assert_string_equal(heard.token, "");
	assert_string_equal(relay->awaits, "");
}

/* It waits for the token, which the worker was told to fetch. */
static void expect_fetching(void)
{
	assert_false(hear(CHANNEL));
	assert_string_equal(relay->awaits, "far");
	assert_true(hear(WORKER));
	assert_string_equal(heard.op, "far");
}

/* As when it has done so and waits again. */
static void worker_waits(void)
{
	place[WORKER].renewer.told[0] = '\0';
	place[WORKER].renewer.waiting = true;
}

static void worker_is_gone(void)
{
	place[WORKER].renewer.names = 0;
}

static void asks(void)
{
	relay_serve_value(&b, c, (struct wire_map){ NULL });
}

static void renews(void)
{
	relay_serve_renew(&b, c, (struct wire_map){ NULL });
}

/* How many lines of the record have these words. */
static unsigned lines(const char *words)
{
	unsigned n = 0;
	const char *at;
	char *text;
	size_t size;

	assert_int_equal(io_slurp(in_dir("record.jsonl"), 1 << 20, &text, &size, &f), 0);
	for (at = text; (at = strstr(at, words)); at++)
		n++;
	free(text);
	return n;
}

/* ---- at once ---- */

static void test_tokens_that_are_there(void **state)
{
	(void)state;
	use("own");
	asks();
	expect_given("token-of-its-own");
	assert_int_equal(heard.index, 0);
	assert_int_equal(heard.count, 1);
	assert_false(heard.has_expires);
	assert_true(relay->has_value);
	assert_int_equal(lines("\"entries\":\"own\""), 1);
	assert_false(hear(WORKER));
	/* Nobody can say what the process runs: it stays what it was. */
	assert_string_equal(c->session.image, "/before");
	add("more", false);
	use("more");
	asks();
	expect_given("token-of-its-own");
	assert_int_equal(heard.count, 2);
	expect_given("token-of-its-own");
	assert_int_equal(heard.index, 1);
	assert_false(hear(CHANNEL));
	assert_int_equal(lines("\"entries\":\"own more\""), 1);
	assert_null(relay->cut);
}

static void test_how_long_it_is_good(void **state)
{
	int64_t now = clock_now_ms();

	(void)state;
	use("far");
	fetched("far", "good", now, now + 100000);
	asks();
	expect_given("good");
	assert_true(heard.has_expires);
	assert_in_range(heard.expires, 1, 100);
	fetched("far", "over", now, 1);
	asks();
	expect_given("over");
	assert_true(heard.has_expires);
	assert_int_equal(heard.expires, 0);
}

static void test_a_relay_that_takes_nothing(void **state)
{
	(void)state;
	use("own");
	shutdown(far[CHANNEL], SHUT_RDWR);
	asks();
	assert_string_equal(relay->cut, "it took no key");
	relay->cut = NULL;
	relay->ended = true;
	asks();
	assert_string_equal(relay->cut, "it took no answer");
}

static void test_who_gets_none(void **state)
{
	struct vault *v = t->vault;

	(void)state;
	use("own");
	peer_set(&c->peer, unmarked);
	asks();
	expect_none("posture", "does not bear the session's mark");
	assert_int_equal(lines("\"result\":\"posture\""), 1);
	/* Of the same refusals one after the other the first is on record. */
	asks();
	expect_none("posture", "does not bear the session's mark");
	assert_int_equal(lines("\"result\":\"posture\""), 1);
	assert_null(relay->cut);
	peer_set(&c->peer, marked);
	c->peer.start++;
	asks();
	expect_none("peer", "has ended");
	c->peer.start--;
	t->vault = NULL;
	asks();
	expect_none("locked", "the vault is locked");
	t->vault = v;
	snprintf(c->session.origin[0], sizeof(c->session.origin[0]), "bearer https://evil.example");
	asks();
	expect_none("origin", "");
	memcpy(c->session.origin[0], vault_find(v, "own")->origin, sizeof(c->session.origin[0]));
	c->session.confine = CONFINE_ON;
	asks();
	expect_none("posture", "is not confined");
	c->session.confine = CONFINE_OFF;
	assert_false(relay->has_value);
	relay->ended = true;
	asks();
	expect_none("policy", "this session was ended");
	relay->ended = false;
	asks();
	expect_given("token-of-its-own");
}

static void test_no_record_no_token(void **state)
{
	int fd = t->audit.fd;

	(void)state;
	use("own");
	t->audit.fd = -1;
	asks();
	assert_true(hear(CHANNEL));
	assert_string_equal(heard.op, "no-value");
	assert_false(relay->has_value);
	t->audit.fd = fd;
}

/* ---- fetched first ---- */

static void test_it_waits_until_it_has_come(void **state)
{
	(void)state;
	use("far");
	asks();
	expect_fetching();
	relay_value_check(&b, c);
	assert_false(hear(CHANNEL));
	fetched("far", "fetched", clock_now_ms(), 0);
	/* What came for others is nothing to it, and what it waits for nothing to others. */
	relay_value_fetched(&b, t, "own", NULL);
	relay_value_fetched(&b, &b.tenant[1], "far", NULL);
	assert_false(hear(CHANNEL));
	relay_value_fetched(&b, t, "far", NULL);
	expect_given("fetched");
	relay_value_fetched(&b, t, "far", NULL);
	relay_value_check(&b, c);
	assert_false(hear(CHANNEL));
	/* A free place is nobody's. */
	memcpy(relay->awaits, "far", sizeof("far"));
	c->fd = -1;
	relay_value_fetched(&b, t, "far", NULL);
	assert_string_equal(relay->awaits, "far");
	relay->awaits[0] = '\0';
	c->fd = relay->channel;
}

/* It came, and nobody said so. */
static void test_it_is_looked_for(void **state)
{
	(void)state;
	use("far");
	asks();
	expect_fetching();
	fetched("far", "fetched", clock_now_ms(), 0);
	relay_value_check(&b, c);
	expect_given("fetched");
}

static void test_the_first_that_is_missing_is_fetched(void **state)
{
	(void)state;
	use("own");
	use("far");
	asks();
	expect_fetching();
	fetched("far", "fetched", clock_now_ms(), 0);
	relay_value_fetched(&b, t, "far", NULL);
	expect_given("token-of-its-own");
	expect_given("fetched");
}

/* The source failed: for a while it is not asked again. */
static void test_it_does_not_come(void **state)
{
	struct failure why = { 0 };

	(void)state;
	fail_set(&why, FAIL_SOURCE, NULL, "pass has ended with 1");
	use("far");
	asks();
	expect_fetching();
	relay_value_fetched(&b, t, "far", &why);
	expect_none("source", "pass has ended with 1");
	worker_waits();
	asks();
	expect_none("source", "pass has ended with 1");
	assert_false(hear(WORKER));
	relay->unfetched_ms -= PAUSE_MS;
	asks();
	expect_fetching();
	/* A vault that was locked meanwhile is the better reason. */
	vault_free(t->vault);
	t->vault = NULL;
	relay_value_fetched(&b, t, "far", &why);
	expect_none("locked", "the vault is locked");
}

static void test_a_lock_while_it_waits(void **state)
{
	(void)state;
	use("far");
	asks();
	expect_fetching();
	vault_free(t->vault);
	t->vault = NULL;
	relay_value_check(&b, c);
	expect_none("locked", "the vault is locked");
}

static void test_it_waits_no_longer_than_that(void **state)
{
	(void)state;
	use("far");
	asks();
	expect_fetching();
	relay->await_until = clock_now_ms() - 1;
	relay_value_check(&b, c);
	expect_none("source", "'far' was not fetched from its source in time");
	worker_waits();
	relay->unfetched_ms -= PAUSE_MS;
	asks();
	expect_fetching();
	worker_is_gone();
	relay_value_check(&b, c);
	expect_none("source", "'far' was not fetched from its source in time");
}

static void test_nobody_could_fetch_it(void **state)
{
	(void)state;
	use("far");
	worker_is_gone();
	asks();
	expect_none("no-value", "is to be fetched");
	/* And for one that a person has ended nobody is asked. */
	place[WORKER].renewer.names = 1;
	relay->ended = true;
	asks();
	expect_none("policy", "this session was ended");
	assert_false(hear(WORKER));
}

static void test_who_is_no_relay(void **state)
{
	(void)state;
	place[WORKER].relay = NULL;
	relay_value_check(&b, &place[WORKER]);
	assert_false(hear(WORKER));
}

/* ---- fetched again ---- */

static void test_a_refused_token_is_fetched_again(void **state)
{
	int64_t now = clock_now_ms();

	(void)state;
	use("own");
	use("far");
	fetched("far", "old", now, 0);
	relay->given_ms = now;
	renews();
	assert_null(vault_find(t->vault, "far")->token);
	expect_token(t->vault, "own", "token-of-its-own");
	expect_fetching();
	assert_int_equal(lines("\"event\":\"renew\",\"result\":\"granted\""), 1);
	assert_int_equal(lines("\"entries\":\"far\""), 1);
	/* It was dropped for another one already. */
	worker_waits();
	renews();
	expect_fetching();
	assert_int_equal(lines("\"event\":\"renew\""), 1);
	/* And one that came since is what is wanted. */
	fetched("far", "newer", now + 1, 0);
	renews();
	expect_given("token-of-its-own");
	expect_given("newer");
	assert_int_equal(lines("\"event\":\"renew\""), 1);
}

static void test_all_that_were_given_are(void **state)
{
	int64_t now = clock_now_ms();

	(void)state;
	add("second", true);
	use("far");
	use("second");
	snprintf(place[WORKER].renewer.name[1], sizeof(place[WORKER].renewer.name[1]), "second");
	place[WORKER].renewer.names = 2;
	fetched("far", "old", now, 0);
	fetched("second", "old", now, 0);
	relay->given_ms = now;
	renews();
	assert_null(vault_find(t->vault, "far")->token);
	assert_null(vault_find(t->vault, "second")->token);
	expect_fetching();
	assert_int_equal(lines("\"entries\":\"far second\""), 1);
}

static void test_nothing_to_renew(void **state)
{
	int64_t now = clock_now_ms();

	(void)state;
	use("own");
	renews();
	expect_none("no-value", "nobody can fetch the key anew");
	expect_token(t->vault, "own", "token-of-its-own");
	/* Nor where who could is gone: then it stays. */
	use("far");
	fetched("far", "old", now, 0);
	relay->given_ms = now;
	worker_is_gone();
	renews();
	expect_none("no-value", "nobody can fetch the key anew");
	expect_token(t->vault, "far", "old");
	/* Nor of an entry that was removed, or a vault that was locked. */
	place[WORKER].renewer.names = 1;
	assert_int_equal(vault_remove(t->vault, "far", &f), 0);
	renews();
	expect_none("no-value", "nobody can fetch the key anew");
	vault_free(t->vault);
	t->vault = NULL;
	renews();
	expect_none("no-value", "nobody can fetch the key anew");
}

static void renew_once(void)
{
	fetched("far", "old", 0, 0);
	renews();
	expect_fetching();
	relay->awaits[0] = '\0';
	worker_waits();
}

/* A key that its provider refuses however often it is fetched is fetched thrice. */
static void test_not_in_a_circle(void **state)
{
	int i;

	(void)state;
	use("far");
	relay->given_ms = clock_now_ms();
	for (i = 0; i < 3; i++)
		renew_once();
	fetched("far", "old", 0, 0);
	renews();
	expect_none("no-value", "3 times");
	expect_token(t->vault, "far", "old");
	assert_int_equal(lines("\"event\":\"renew\""), 3);
	relay->renewals_since_ms -= WINDOW_MS + 1;
	for (i = 0; i < 3; i++)
		renew_once();
	fetched("far", "old", 0, 0);
	renews();
	expect_none("no-value", "3 times");
}

static void test_no_record_no_renewal(void **state)
{
	int fd = t->audit.fd;

	(void)state;
	use("far");
	fetched("far", "old", 0, 0);
	t->audit.fd = -1;
	renews();
	assert_true(hear(CHANNEL));
	assert_string_equal(heard.op, "no-value");
	expect_token(t->vault, "far", "old");
	assert_false(hear(WORKER));
	t->audit.fd = fd;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tokens_that_are_there),
		TEST(test_how_long_it_is_good),
		TEST(test_a_relay_that_takes_nothing),
		TEST(test_who_gets_none),
		TEST(test_no_record_no_token),
		TEST(test_it_waits_until_it_has_come),
		TEST(test_it_is_looked_for),
		TEST(test_the_first_that_is_missing_is_fetched),
		TEST(test_it_does_not_come),
		TEST(test_a_lock_while_it_waits),
		TEST(test_it_waits_no_longer_than_that),
		TEST(test_nobody_could_fetch_it),
		TEST(test_who_is_no_relay),
		TEST(test_a_refused_token_is_fetched_again),
		TEST(test_all_that_were_given_are),
		TEST(test_nothing_to_renew),
		TEST(test_not_in_a_circle),
		TEST(test_no_record_no_renewal),
	};
	int r;

	if (libsodium_start(NULL))
		return 1;
	marked = start(true);
	unmarked = start(false);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	kill(marked, SIGKILL);
	kill(unmarked, SIGKILL);
	waitpid(marked, NULL, 0);
	waitpid(unmarked, NULL, 0);
	return r;
}
