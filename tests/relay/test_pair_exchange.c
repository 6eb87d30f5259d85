/*
 * tests/relay/test_pair_exchange.c - a request from its head to the end of its answer: what
 * goes to the provider and the broker, and when; what comes back.  Client, provider and broker
 * are at the other ends of sockets, and upstream.h's connections are such, too.
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

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "relay/pair.h"
#include "relay/pair_places.h"
#include "relay/pair_state.h"
#include "relay/settings.h"
#include "relay/upstream.h"
#include "tests/base/base_fixture.h"
#include "vault/arena.h"
#include "wire/unpack.h"

#define FIRST "sk-first-0123456789"
#define SECOND "sk-second-987654321"
#define HOST "Host: a\r\n"
#define BODY "{\"model\":\"m\"}"
#define POST "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 13\r\n\r\n" BODY
#define LONG "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n"
#define CHUNKED "POST /v1/messages HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
/* What could be the key's beginning is held back: less than the half. */
#define HALF "the half of an answer, 30 long"
#define HALF_SEEN "the half of"
#define HALF_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" HALF
#define REFUSED "HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nnot"

static const struct request_secret secrets[] = { { "authorization", "Bearer" } };
static struct relay_settings settings;
static struct relay relay;
static struct pair *pair;
static int client = -1, broker = -1, provider = -1;
static char got[1 << 20];

/* ---- connections to the provider, in the place of relay/upstream.c's ---- */

struct upstream {
	int fd;
	enum upstream_state state;
};

static unsigned opened;
static enum upstream_state connects; /* how the next one does */
static bool none;		     /* there is no memory for one */
static bool narrow;		     /* it holds a few KiB */

struct upstream *upstream_open(struct upstreams *us)
{
	struct upstream *u = none ? NULL : malloc(sizeof(*u));
	int fds[2], few = 1;

	(void)us;
	if (!u)
		return NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	if (narrow)
		setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &few, sizeof(few));
	*u = (struct upstream){ fds[0], connects };
	if (provider >= 0)
		close(provider);
	provider = fds[1];
	opened++;
	return u;
}

enum upstream_state upstream_state(const struct upstream *u)
{
	return u->state;
}

const char *upstream_words(const struct upstream *u)
{
	(void)u;
	return "no connection";
}

enum trial upstream_cause(const struct upstream *u)
{
	(void)u;
	return TRIAL_LIMIT;
}

int upstream_fd(const struct upstream *u)
{
	return u->fd;
}

ssize_t upstream_send(struct upstream *u, const void *p, size_t n)
{
	return send(u->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t upstream_recv(struct upstream *u, void *p, size_t n)
{
	return recv(u->fd, p, n, MSG_DONTWAIT);
}

void upstream_close(struct upstream *u)
{
	if (u)
		close(u->fd);
	free(u);
}

/* ---- who is there ---- */

/* The channel has this number; a listener, and a relay without a key. */
static int open_all(void **state)
{
	int fds[2];

	if (make_dir(state) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	broker = fcntl(fds[1], F_DUPFD_CLOEXEC, 10);
	if (fds[1] != RELAY_CHANNEL_FD)
		close(fds[1]);
	if (fds[0] != RELAY_CHANNEL_FD) {
		dup2(fds[0], RELAY_CHANNEL_FD);
		close(fds[0]);
	}
	return broker < 0 ? -1 : 0;
}

static int set_up(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	settings = (struct relay_settings){
		.host = "api.example",
		.provider = { "api.example", "", { secrets, 1, NULL, 0 }, NULL }
	};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", in_dir("s"));
	settings.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(settings.listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(settings.listener, 1) != 0)
		return -1;
	memset(&relay, 0, sizeof(relay));
	relay.settings = &settings;
	relay.routes = request_routes_of(REQUEST_API_MESSAGES, &relay.route_count);
	relay.sender =
		(struct sender){ getpid(), getuid(), (int)syscall(SYS_pidfd_open, getpid(), 0) };
	relay.arena = arena_new(1024 * 1024, NULL);
	key_init(&relay.key, relay.arena, secrets, 1);
	opened = 0;
	connects = UPSTREAM_CONNECTED;
	none = narrow = false;
	assert_null(pair_accept(&relay));
	if (connect(client, (struct sockaddr *)&a, sizeof(a)) != 0)
		return -1;
	pair = pair_accept(&relay);
	return pair ? 0 : -1;
}

static int tear_down(void **state)
{
	size_t left;

	(void)state;
	pair_free(pair);
	while (recv(broker, got, sizeof(got), MSG_DONTWAIT) > 0)
		;
	close(client);
	if (provider >= 0)
		close(provider);
	provider = -1;
	close(settings.listener);
	close(relay.sender.pidfd);
	unlink(in_dir("s"));
	key_wipe(&relay.key);
	left = arena_used(relay.arena);
	arena_free(relay.arena);
	return left == 0 ? 0 : -1;
}

/* ---- what happens ---- */

/* Until nothing goes on any more. */
static void go(void)
{
	struct pollfd fds[2];
	int timeout, turns;

	for (turns = 0; turns < 100 && !pair_is_over(pair); turns++) {
		timeout = -1;
		pair_poll(pair, fds, &timeout);
		if (poll(fds, 2, 0) == 0 && !pair->again && pair->state != PAIR_CONNECT)
			return;
		pair_run(pair, fds);
	}
}

static void key_comes(const char *token)
{
	struct failure f;

	assert_int_equal(key_take(&relay.key, 0, 1, (const uint8_t *)token, strlen(token), &f), 0);
	relay.asked = false;
	pair_take_key(pair);
	go();
}

static void writes(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	go();
}

/* All that is there to be read, ended with a NUL. */
static const char *reads(int fd)
{
	size_t n = 0;
	ssize_t r;

	while ((r = recv(fd, got + n, sizeof(got) - 1 - n, MSG_DONTWAIT)) > 0) {
		n += (size_t)r;
		go();
	}
	got[n] = '\0';
	return got;
}

static void expect_read(int fd, const char *words)
{
	if (!strstr(reads(fd), words))
		fail_msg("'%s' is not in: %s", words, got);
}

static bool nothing_read(int fd)
{
	return reads(fd)[0] == '\0';
}

/* Of the client's connection. */
static bool has_ended(void)
{
	char byte;

	return recv(client, &byte, 1, MSG_DONTWAIT) == 0;
}

/* Is the next message to the broker of that kind, with these words? */
static bool told(const char *op, const char *words)
{
	ssize_t n = recv(broker, got, sizeof(got), MSG_DONTWAIT);

	return n > 0 && memmem(got, (size_t)n, op, strlen(op)) &&
	       memmem(got, (size_t)n, words, strlen(words));
}

static bool told_nothing(void)
{
	return recv(broker, got, sizeof(got), MSG_DONTWAIT) < 0;
}

/* ---- before it goes out ---- */

static void test_the_key_is_asked_for_once(void **state)
{
	(void)state;
	writes(client, POST);
	assert_true(told("value", ""));
	assert_true(told_nothing());
	assert_true(nothing_read(client));
	assert_int_equal(opened, 0);
	key_comes(FIRST);
	assert_int_equal(opened, 1);
	expect_read(provider, "authorization: Bearer " FIRST);
	assert_non_null(strstr(got, "\r\n\r\n" BODY));
	writes(provider, ANSWER);
	expect_read(client, "hello");
	assert_true(told("use", ""));
	assert_false(relay.hung_up);
	/* It is kept, and the next goes out over the same connection, unasked. */
	assert_true(pair_is_idle(pair));
	writes(client, POST);
	expect_read(provider, BODY);
	writes(provider, ANSWER);
	expect_read(client, "hello");
	assert_int_equal(opened, 1);
	assert_true(told("use", ""));
	assert_true(told_nothing());
}

/* Who asked already has it for all. */
static void test_another_pair_has_asked(void **state)
{
	(void)state;
	relay.asked = true;
	writes(client, POST);
	assert_true(told_nothing());
	key_comes(FIRST);
	expect_read(provider, FIRST);
}

static void test_a_key_that_ends(void **state)
{
	(void)state;
	key_comes(FIRST);
	relay.key_until = clock_now_ms() + 100000;
	writes(client, POST);
	assert_true(told_nothing());
	writes(provider, ANSWER);
	expect_read(client, "hello");
	assert_true(told("use", ""));
	relay.key_until = clock_now_ms() - 1;
	writes(client, POST);
	assert_true(told("value", ""));
	key_comes(SECOND);
	expect_read(provider, SECOND);
}

static void test_a_session_that_was_ended(void **state)
{
	struct failure why = { .what = "this session was ended" };

	(void)state;
	key_comes(FIRST);
	relay.ended = true;
	relay.why_ended = why;
	writes(client, POST);
	expect_read(client, "this session was ended");
	assert_int_equal(opened, 0);
}

static void test_a_reservation(void **state)
{
	struct channel_message m = { .op = CHANNEL_RESERVED, .id = 1 };

	(void)state;
	key_comes(FIRST);
	relay.limited = true;
	writes(client, POST);
	assert_true(told("reserve", "m"));
	assert_int_equal(opened, 0);
	assert_true(pair_take_reservation(pair, &m));
	go();
	expect_read(provider, BODY);
	assert_false(relay.hung_up);
	writes(provider, ANSWER);
	expect_read(client, "hello");
	/* What costs nothing is not announced. */
	while (!told_nothing())
		;
	writes(client, "GET /v1/models HTTP/1.1\r\n" HOST "\r\n");
	assert_true(told_nothing());
	expect_read(provider, "GET /v1/models");
}

/* Its model is in the beginning of its body, which is awaited, where there is one. */
static void test_the_model_is_awaited(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 13\r\n\r\n");
	assert_int_equal(opened, 0);
	writes(client, BODY);
	expect_read(provider, BODY);
	assert_string_equal(pair->request.model, "m");
}

/* With a limit, until it is known or the body can tell it no more. */
static void test_the_model_is_awaited_where_there_is_a_limit(void **state)
{
	static const struct {
		const char *rest, *model;
	} ends[] = { { "l\":\"m\"", "m" }, { "s\":{\"model\":1}}", "" }, { "\"x", "" } };
	size_t i;
	bool chunks;

	(void)state;
	for (i = 0; i < 2 * sizeof(ends) / sizeof(ends[0]); i++) {
		chunks = i & 1;
		key_comes(FIRST);
		relay.limited = true;
		writes(client, chunks ? CHUNKED : LONG);
		writes(client, chunks ? "6\r\n{\"mode\r\n40" : "{\"mode");
		assert_true(told_nothing());
		assert_true(pair->still_since != 0);
		writes(client, chunks ? "\r\n" : "");
		writes(client, ends[i / 2].rest);
		assert_true(told("reserve", ""));
		assert_string_equal(pair->request.model, ends[i / 2].model);
		assert_int_equal(opened, 0);
		assert_int_equal(pair->still_since, 0);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* Or there is no room for more of it. */
static void test_a_model_far_behind_is_not_awaited(void **state)
{
	static const char *const heads[] = { LONG, CHUNKED "10000\r\n" };
	struct channel_message m = { .op = CHANNEL_RESERVED, .id = 1 };
	static char body[HTTP_HEAD_MAX];
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		key_comes(FIRST);
		relay.limited = true;
		memset(body, ' ', sizeof(body) - 1);
		memcpy(body, "{\"a\":\"", 6);
		body[sizeof(body) - strlen(heads[i])] = '\0';
		body[sizeof(body) - strlen(heads[i]) - 1] = '\0';
		writes(client, heads[i]);
		writes(client, body);
		assert_true(told_nothing());
		writes(client, " ");
		assert_true(told("reserve", ""));
		assert_string_equal(pair->request.model, "");
		assert_true(pair_take_reservation(pair, &m));
		go();
		writes(client, "\",\"model\":\"m\"");
		expect_read(provider, "\"model\":\"m\"");
		assert_string_equal(pair->request.model, "");
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* A body that is there is looked through to its end, whatever comes behind it. */
static void test_a_whole_body_without_a_model(void **state)
{
	static const char *const bodies[] = {
		"POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n{" BODY,
		CHUNKED "1\r\n{\r\n0\r\n\r\n" BODY,
		CHUNKED "nonsense" BODY,
		"POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n" BODY,
	};
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		key_comes(FIRST);
		relay.limited = true;
		writes(client, bodies[i]);
		assert_true(told("reserve", ""));
		assert_string_equal(pair->request.model, "");
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* The client takes its time over its body: the key is asked for again. */
static void test_a_key_that_ends_before_the_model(void **state)
{
	(void)state;
	key_comes(FIRST);
	relay.limited = true;
	relay.key_until = clock_now_ms() + 100000;
	writes(client, CHUNKED);
	assert_true(told_nothing());
	relay.key_until = clock_now_ms() - 1;
	writes(client, "d\r\n" BODY "\r\n");
	assert_true(told("value", ""));
	key_comes(SECOND);
	assert_true(told("reserve", "m"));
}

static void test_what_has_no_model_goes_at_once(void **state)
{
	static const char *const heads[] = { "GET /v1/models HTTP/1.1\r\n" HOST "\r\n", CHUNKED,
					     "POST /v1/messages HTTP/1.1\r\n" HOST
					     "Content-Length: 0\r\n\r\n",
					     "POST /v1/messages/count_tokens HTTP/1.1\r\n" HOST
					     "Content-Length: 9\r\n\r\n" };
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		key_comes(FIRST);
		writes(client, heads[i]);
		assert_int_equal(opened, 1);
		expect_read(provider, " HTTP/1.1");
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void test_no_route(void **state)
{
	char head[600], path[300];

	(void)state;
	key_comes(FIRST);
	writes(client, "GET /v1/secret HTTP/1.1\r\n" HOST "\r\n");
	expect_read(client, "404");
	assert_true(told("refusal", "GET /v1/secret does not pass"));
	tear_down(state);
	set_up(state);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	snprintf(head, sizeof(head), "POST /%s HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
		 path);
	writes(client, head);
	expect_read(client, "404");
	path[159] = '\0';
	snprintf(head, sizeof(head), "POST /%s does not pass", path);
	assert_true(told("refusal", head));
}

static void test_a_head_that_is_none(void **state)
{
	(void)state;
	writes(client, "nonsense\r\n\r\n");
	expect_read(client, "HTTP/1.1 400");
	assert_true(told("refusal", ""));
}

/* ---- the connection ---- */

static void test_it_cannot_be_made(void **state)
{
	static const struct {
		enum upstream_state how;
		const char *status;
	} rows[] = { { UPSTREAM_UNREACHABLE, "HTTP/1.1 502" },
		     { UPSTREAM_SLOW, "HTTP/1.1 504" },
		     { UPSTREAM_UNTRUSTED, "HTTP/1.1 400" } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		connects = rows[i].how;
		key_comes(FIRST);
		writes(client, POST);
		expect_read(client, rows[i].status);
		assert_non_null(strstr(got, "no connection"));
		assert_true(told("failure", "no connection"));
		assert_true(told("use", ""));
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
	none = true;
	key_comes(FIRST);
	writes(client, POST);
	expect_read(client, "HTTP/1.1 503");
}

static void test_it_takes_a_while(void **state)
{
	(void)state;
	connects = UPSTREAM_CONNECTING;
	key_comes(FIRST);
	writes(client, POST);
	assert_true(nothing_read(client));
	assert_true(nothing_read(provider));
	pair->up->state = UPSTREAM_CONNECTED;
	go();
	expect_read(provider, BODY);
}

static void test_no_locked_memory(void **state)
{
	void *taken[512];
	size_t n = 0, size = 65536;

	(void)state;
	key_comes(FIRST);
	while (n < 512 && size >= 64) {
		taken[n] = arena_alloc(relay.arena, size, NULL);
		if (taken[n])
			n++;
		else
			size /= 2;
	}
	writes(client, POST);
	expect_read(client, "HTTP/1.1 503");
	assert_non_null(strstr(got, "locked memory"));
	while (n > 0)
		arena_release(relay.arena, taken[--n]);
}

static void test_a_request_that_cannot_be_written(void **state)
{
	(void)state;
	key_comes(FIRST);
	settings.provider.host = "no host";
	writes(client, POST);
	expect_read(client, "HTTP/1.1 400");
	assert_true(told("failure", ""));
}

/* Between two requests the provider says nothing. */
static void test_the_idle_connection(void **state)
{
	const struct pollfd woken[2] = { { .revents = 0 }, { .revents = POLLIN } };
	int i;

	for (i = 0; i < 2; i++) {
		key_comes(FIRST);
		writes(client, POST);
		writes(provider, ANSWER);
		expect_read(client, "hello");
		assert_true(pair_is_idle(pair));
		/* Woken for nothing it stays. */
		pair_run(pair, woken);
		assert_true(pair_is_idle(pair));
		if (i == 0)
			shutdown(provider, SHUT_WR);
		else
			assert_int_equal(send(provider, "x", 1, 0), 1);
		go();
		assert_true(pair_is_over(pair));
		assert_true(has_ended());
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* ---- the answer ---- */

static void test_a_provider_that_says_nothing(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, POST);
	shutdown(provider, SHUT_RDWR);
	go();
	expect_read(client, "HTTP/1.1 502");
	assert_non_null(strstr(got, "api.example: the connection ended before an answer"));
	assert_true(told("failure", "api.example"));
	assert_true(told("use", ""));
}

/* What is cut in its middle ends the client's connection: it is no whole one. */
static void test_an_answer_that_is_cut(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, POST);
	writes(provider, HALF_ANSWER);
	shutdown(provider, SHUT_RDWR);
	go();
	expect_read(client, HALF_SEEN);
	assert_null(strstr(got, "502"));
	assert_true(has_ended());
}

static void test_an_answer_that_ends_the_connection(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, POST);
	writes(provider, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
	expect_read(client, "hello");
	assert_true(has_ended());
	assert_int_equal(pair->state, PAIR_FAREWELL);
}

/* The next request, which came with the last, is read when that has its answer. */
static void test_two_at_once(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, POST POST);
	expect_read(provider, BODY);
	assert_null(strstr(strstr(got, BODY) + 1, BODY));
	writes(provider, ANSWER);
	expect_read(client, "hello");
	expect_read(provider, BODY);
	writes(provider, ANSWER);
	expect_read(client, "hello");
	assert_true(pair_is_idle(pair));
}

/* A head alone, an answer, then the rest: both go on as they can. */
static void test_an_answer_before_the_bodys_end(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, CHUNKED "2\r\n{}\r\n");
	writes(provider, HALF_ANSWER);
	expect_read(client, HALF_SEEN);
	writes(client, "0\r\n\r\n");
	expect_read(provider, "0\r\n\r\n");
	writes(provider, HALF);
	expect_read(client, HALF);
}

/* Nor is a connection kept whose answer came before the request was whole. */
static void test_an_answer_that_did_not_wait(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, CHUNKED "2\r\n{}\r\n");
	writes(provider, ANSWER);
	expect_read(client, "hello");
	assert_true(has_ended());
}

static void test_a_body_that_is_none(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, CHUNKED "nonsense\r\n");
	expect_read(client, "HTTP/1.1 400");
	assert_true(told("refusal", ""));
	tear_down(state);
	set_up(state);
	/* Once the answer has begun that cannot be said any more. */
	key_comes(FIRST);
	writes(client, CHUNKED "2\r\n{}\r\n");
	writes(provider, HALF_ANSWER);
	writes(client, "nonsense\r\n");
	expect_read(client, HALF_SEEN);
	assert_null(strstr(got, "400"));
	assert_true(has_ended());
}

static void test_a_client_that_goes_in_its_body(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, CHUNKED "2\r\n{}\r\n");
	shutdown(client, SHUT_WR);
	go();
	assert_true(pair_is_over(pair));
}

static void test_a_client_that_goes_in_the_answer(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, POST);
	close(client);
	client = -1;
	assert_int_equal(send(provider, ANSWER, strlen(ANSWER), 0), strlen(ANSWER));
	go();
	assert_true(pair_is_over(pair));
	client = dup(broker); /* for tear_down */
}

/* n bytes from one end; how many came to the other, with what stands around them. */
static size_t carry(int from, int to, size_t n)
{
	static char large[4096];
	size_t sum = 0;
	ssize_t r;
	int idle;

	memset(large, 'x', sizeof(large));
	for (idle = 0; n > 0 && idle < 100; idle++) {
		r = send(from, large, n < sizeof(large) ? n : sizeof(large), MSG_DONTWAIT);
		go();
		if (r < 0) {
			sum += strlen(reads(to));
			continue;
		}
		n -= (size_t)r;
		idle = 0;
	}
	return sum + strlen(reads(to));
}

/* More than the sockets hold, in both directions: all of it comes, and the request's place in
 * locked memory is given back when it has gone out. */
static void test_large_ones(void **state)
{
	const char *head = "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 400000\r\n\r\n";
	size_t n;

	(void)state;
	key_comes(FIRST);
	writes(client, head);
	writes(client, "x");
	n = carry(client, provider, 399998);
	assert_in_range(n, 399999, 400400);
	n = arena_used(relay.arena);
	assert_int_equal(carry(client, provider, 1), 1);
	assert_true(arena_used(relay.arena) < n);
	writes(provider, "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n");
	n = carry(provider, client, 400000);
	assert_in_range(n, 400000, 400400);
	assert_true(pair_is_idle(pair));
}

/* The next message tells of a use like this. */
static void expect_use(const char *model, uint64_t status, bool billed, uint64_t bytes)
{
	ssize_t n = recv(broker, got, sizeof(got), MSG_DONTWAIT);
	struct failure f;
	struct wire_in in;
	uint64_t number;
	char text[64];
	bool yes;

	assert_true(n > 0);
	assert_int_equal(wire_parse(&in, got, (size_t)n, &f), 0);
	assert_int_equal(wire_get_text(in.top, "op", text, sizeof(text), &f), 0);
	assert_string_equal(text, "use");
	assert_int_equal(wire_get_text(in.top, "model", text, sizeof(text), &f), 0);
	assert_string_equal(text, model);
	assert_int_equal(wire_get_uint(in.top, "status", &number, &f), 0);
	assert_int_equal(number, status);
	assert_int_equal(wire_get_bool(in.top, "billed", &yes, &f), 0);
	assert_int_equal(yes, billed);
	assert_int_equal(wire_get_uint(in.top, "bytes", &number, &f), 0);
	assert_int_equal(number, bytes);
	wire_in_free(&in);
}

/* Which model it was, by the answer's own word or the request's; whether it costs something; and
 * by which bytes that can be estimated: by none where a whole request names what is elsewhere. */
static void test_what_is_reported(void **state)
{
	static const char said[] = "{\"type\":\"message\",\"model\":\"said\",\"content\":[],"
				   "\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}";
	static const char names[] =
		"{\"model\":\"m\",\"messages\":[{\"content\":[{\"type\":\"document\",\"source\":{"
		"\"type\":\"url\",\"url\":\"https://a/b.pdf\"}}]}]}";
	const size_t n = strlen(names);
	char answer[256], request[512];

	(void)state;
	key_comes(FIRST);
	snprintf(request, sizeof(request),
		 "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s", n, names);
	writes(client, request);
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
		 "%zu\r\n\r\n%s",
		 strlen(said), said);
	writes(provider, answer);
	expect_read(client, "said");
	expect_use("said", 200, true, n);
	writes(client, request);
	writes(provider, "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nnot");
	expect_read(client, "not");
	expect_use("m", 500, false, 0);
	/* Its body was not whole: what had come of it counts. */
	snprintf(request, sizeof(request),
		 "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: 999\r\n\r\n%s", names);
	writes(client, request);
	shutdown(client, SHUT_WR);
	go();
	expect_use("m", 0, true, n);
	assert_true(told_nothing());
}

/* No answer began: it is billed where the provider has all of the request, and not else. */
static void test_no_answer_began(void **state)
{
	static char body[9000], head[128];
	int i;

	memset(body, ' ', sizeof(body) - 1);
	memcpy(body, "{}", 2);
	for (i = 0; i < 4; i++) {
		narrow = i == 3;
		key_comes(FIRST);
		snprintf(head, sizeof(head),
			 "POST /v1/messages HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
			 strlen(body));
		writes(client, i == 3 ? head : CHUNKED "2\r\n{}\r\n");
		if (i == 3)
			writes(client, body); /* a part of it waits */
		if (i == 2)
			shutdown(provider, SHUT_RD);
		if (i == 0 || i == 2)
			writes(client, "0\r\n\r\n");
		assert_int_equal(pair->request.ended, i != 1);
		shutdown(provider, SHUT_WR);
		go();
		expect_read(client, "HTTP/1.1 502");
		assert_true(told("failure", "ended before an answer"));
		expect_use("", 0, i == 0, i == 1 ? 2 : i == 3 ? strlen(body) : 2);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* ---- a key that is refused ---- */

static void test_refused_for_good(void **state)
{
	(void)state;
	key_comes(FIRST);
	writes(client, POST);
	writes(provider, REFUSED);
	expect_read(client, "not");
	/* Once a session. */
	assert_true(told("failure", "api.example refuses the key (HTTP 401)"));
	assert_true(told("use", ""));
	writes(client, POST);
	writes(provider, REFUSED);
	expect_read(client, "not");
	assert_true(told("use", ""));
	assert_true(told_nothing());
}

static void test_other_errors_are_no_refusal_of_it(void **state)
{
	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, POST);
	writes(provider, "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nnot");
	expect_read(client, "not");
	assert_true(told("use", ""));
	assert_true(told_nothing());
}

static void test_renewed(void **state)
{
	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, POST);
	expect_read(provider, FIRST);
	writes(provider, REFUSED);
	assert_true(told("renew", ""));
	assert_false(relay.hung_up);
	assert_true(relay.asked);
	assert_true(nothing_read(client));
	key_comes(SECOND);
	assert_int_equal(opened, 2);
	expect_read(provider, SECOND);
	assert_non_null(strstr(got, "\r\n\r\n" BODY));
	writes(provider, ANSWER);
	expect_read(client, "hello");
	assert_true(told("use", ""));
	assert_true(told_nothing());
	assert_null(pair->kept.b.p);
}

static void test_renewed_meanwhile(void **state)
{
	struct failure f;

	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, POST);
	assert_int_equal(key_take(&relay.key, 0, 1, (const uint8_t *)SECOND, strlen(SECOND), &f),
			 0);
	writes(provider, REFUSED);
	assert_true(told_nothing());
	expect_read(provider, SECOND);
}

static void test_another_pair_renews_it(void **state)
{
	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, POST);
	relay.asked = true;
	writes(provider, REFUSED);
	assert_true(told_nothing());
	key_comes(SECOND);
	expect_read(provider, SECOND);
}

/* The second refusal is the answer, and so is the first where nobody has another key. */
static void test_refused_again(void **state)
{
	struct failure why = { .code = FAIL_NO_VALUE, .what = "nobody can fetch it" };

	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, POST);
	writes(provider, REFUSED);
	assert_true(told("renew", ""));
	key_comes(SECOND);
	writes(provider, REFUSED);
	expect_read(client, "not");
	assert_true(told("failure", ""));
	assert_true(told("use", ""));
	writes(client, POST);
	writes(provider, REFUSED);
	assert_true(told("renew", ""));
	relay.asked = false;
	pair_refuse_key(pair, &why);
	go();
	expect_read(client, "not");
}

static void test_too_much_to_be_sent_again(void **state)
{
	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, POST);
	pair->kept.over = true;
	writes(provider, REFUSED);
	assert_true(told("renew", ""));
	key_comes(SECOND);
	expect_read(client, "HTTP/1.1 503");
	assert_non_null(strstr(got, "the key was renewed: try again"));
}

/* What is sent again is kept until it has gone out, though the answer has begun. */
static void test_an_answer_while_it_is_sent_again(void **state)
{
	(void)state;
	settings.renewable = true;
	key_comes(FIRST);
	writes(client, CHUNKED "2\r\n{}\r\n");
	writes(provider, REFUSED);
	assert_true(told("renew", ""));
	key_comes(SECOND);
	expect_read(provider, "{}");
	assert_non_null(pair->kept.b.p);
	writes(provider, HALF_ANSWER);
	expect_read(client, HALF_SEEN);
	assert_null(pair->kept.b.p);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_key_is_asked_for_once),
		TEST(test_another_pair_has_asked),
		TEST(test_a_key_that_ends),
		TEST(test_a_session_that_was_ended),
		TEST(test_a_reservation),
		TEST(test_the_model_is_awaited),
		TEST(test_the_model_is_awaited_where_there_is_a_limit),
		TEST(test_a_model_far_behind_is_not_awaited),
		TEST(test_a_whole_body_without_a_model),
		TEST(test_a_key_that_ends_before_the_model),
		TEST(test_what_has_no_model_goes_at_once),
		TEST(test_no_route),
		TEST(test_a_head_that_is_none),
		TEST(test_it_cannot_be_made),
		TEST(test_it_takes_a_while),
		TEST(test_no_locked_memory),
		TEST(test_a_request_that_cannot_be_written),
		TEST(test_the_idle_connection),
		TEST(test_a_provider_that_says_nothing),
		TEST(test_an_answer_that_is_cut),
		TEST(test_an_answer_that_ends_the_connection),
		TEST(test_two_at_once),
		TEST(test_an_answer_before_the_bodys_end),
		TEST(test_an_answer_that_did_not_wait),
		TEST(test_a_body_that_is_none),
		TEST(test_a_client_that_goes_in_its_body),
		TEST(test_a_client_that_goes_in_the_answer),
		TEST(test_large_ones),
		TEST(test_what_is_reported),
		TEST(test_no_answer_began),
		TEST(test_refused_for_good),
		TEST(test_other_errors_are_no_refusal_of_it),
		TEST(test_renewed),
		TEST(test_renewed_meanwhile),
		TEST(test_another_pair_renews_it),
		TEST(test_refused_again),
		TEST(test_too_much_to_be_sent_again),
		TEST(test_an_answer_while_it_is_sent_again),
	};

	return cmocka_run_group_tests(tests, open_all, remove_dir);
}
