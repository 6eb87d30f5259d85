/*
 * tests/relay/test_pair.c - what goes to the client, what stays of it in the buffers, how long
 * is waited for what, and what the broker is told meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "relay/api_error.h"
#include "relay/pair.h"
#include "relay/pair_client.h"
#include "relay/pair_end.h"
#include "relay/pair_places.h"
#include "relay/pair_state.h"

static struct relay relay;
static struct pair pair;
static char in[64], out[API_ERROR_MAX];
static int client = -1, broker = -1;

/* In the place of the C library's: a signal comes before the first byte, that often. */
static unsigned interrupted;

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	if (interrupted) {
		interrupted--;
		errno = EINTR;
		return -1;
	}
	return sendto(fd, p, n, flags, NULL, 0);
}

static int set_up(void **state)
{
	int fds[2], one = 1;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0 ||
	    setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) != 0)
		return -1;
	memset(&pair, 0, sizeof(pair));
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	pair.in = (struct buffer){ .p = in, .size = sizeof(in) };
	pair.out = (struct buffer){ .p = out, .size = sizeof(out) };
	pair.fd = fds[0];
	pair.relay = &relay;
	request_flow_init(&pair.request);
	relay.hung_up = false;
	client = fds[1];
	return 0;
}

static int tear_down(void **state)
{
	char said[512];

	(void)state;
	while (recv(broker, said, sizeof(said), MSG_DONTWAIT) > 0)
		;
	close(pair.fd);
	return close(client);
}

static void expect_flushed(const char *text)
{
	char got[sizeof(out)];

	pair.out.to = strlen(text);
	memcpy(out, text, pair.out.to);
	assert_true(pair_flush(&pair));
	assert_int_equal(pair.out.to, 0);
	assert_int_equal(recv(client, got, sizeof(got), 0), strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void expect_zero(const char *p, size_t n)
{
	static const char zero[sizeof(out)];

	assert_memory_equal(p, zero, n);
}

static void test_all_that_was_written_is_wiped(void **state)
{
	(void)state;
	expect_flushed("a long answer");
	expect_flushed("short");
	pair_wipe_buffers(&pair);
	expect_zero(out, sizeof(out));
	assert_int_equal(pair.out_used, 0);
}

/* The beginning of the next request stays, and is moved to where it is read from. */
static void test_what_was_read_ahead_is_kept(void **state)
{
	(void)state;
	memcpy(in, "the last one, the next", 22);
	pair.in.from = 14;
	pair.in.to = 22;
	pair.in_used = 22;
	pair_wipe_buffers(&pair);
	assert_memory_equal(in, "the next", 8);
	expect_zero(in + 8, sizeof(in) - 8);
	assert_int_equal(pair.in.from, 0);
	assert_int_equal(pair.in.to, 8);
	/* Again, where it already stands at the beginning. */
	pair_wipe_buffers(&pair);
	assert_memory_equal(in, "the next", 8);
	pair.in.from = 8;
	pair_wipe_buffers(&pair);
	expect_zero(in, sizeof(in));
	assert_int_equal(pair.in.to, 0);
}

static void test_interrupted(void **state)
{
	(void)state;
	interrupted = 3;
	expect_flushed("an answer");
	assert_int_equal(interrupted, 0);
	/* What an earlier call left in errno is no interruption of this one. */
	errno = EINTR;
	expect_flushed("sent once");
	errno = EINTR;
	expect_flushed("and once more");
}

static void test_the_client_does_not_read(void **state)
{
	(void)state;
	do {
		pair.out.from = 0;
		pair.out.to = sizeof(out);
	} while (pair_flush(&pair));
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(pair.out.to, sizeof(out));
	assert_int_not_equal(pair.state, PAIR_OVER);
	/* Nothing waits: nothing is tried. */
	pair.out.to = 0;
	assert_false(pair_flush(&pair));
}

/* The first of what is waited for counts, whichever pair it is of. */
static void test_how_long_is_waited(void **state)
{
	struct pollfd fds[2];
	int timeout = -1;

	(void)state;
	pair.state = PAIR_FAREWELL;
	pair.linger_until = clock_now_ms() + 100000;
	pair_poll(&pair, fds, &timeout);
	assert_int_equal(timeout, -1); /* our side is not closed yet */
	pair.shut = true;
	pair_poll(&pair, fds, &timeout);
	assert_in_range(timeout, 1, 100000);
	timeout = 200000;
	pair_poll(&pair, fds, &timeout);
	assert_in_range(timeout, 1, 100000);
	timeout = 10;
	pair_poll(&pair, fds, &timeout);
	assert_int_equal(timeout, 10);
	pair.linger_until = clock_now_ms() - 1000;
	pair_poll(&pair, fds, &timeout);
	assert_int_equal(timeout, 0);
}

/* ---- a head's time ---- */

static void client_writes(const char *text)
{
	assert_int_equal(send(client, text, strlen(text), 0), strlen(text));
}

static void readable(void)
{
	const struct pollfd fds[2] = { { .fd = pair.fd, .revents = POLLIN }, { .fd = -1 } };

	pair_run(&pair, fds);
}

/* From its first byte on, and however many more come. */
static void test_a_head_has_its_time(void **state)
{
	struct pollfd fds[2];
	int64_t until;
	int timeout = -1;

	(void)state;
	readable();
	assert_int_equal(pair.head_until, 0);
	assert_true(pair_is_idle(&pair));
	pair_poll(&pair, fds, &timeout);
	assert_int_equal(timeout, -1);
	client_writes("POST /v1");
	readable();
	assert_int_equal(pair.in.to, 8);
	assert_false(pair_is_idle(&pair));
	until = pair.head_until;
	assert_true(until > clock_now_ms());
	pair_poll(&pair, fds, &timeout);
	assert_in_range(timeout, 1, 15000);
	pair.head_until = --until;
	client_writes("/messages");
	readable();
	assert_int_equal(pair.in.to, 17);
	assert_int_equal(pair.head_until, until);
	/* What waits for something else than a head has none. */
	pair.state = PAIR_VALUE;
	pair.again = true;
	readable();
	assert_int_equal(pair.head_until, 0);
	assert_false(pair_is_idle(&pair));
}

static void test_a_head_that_does_not_end(void **state)
{
	char got[32];

	(void)state;
	client_writes("POST /v1");
	readable();
	pair.head_until = clock_now_ms() + 100000;
	readable();
	assert_int_equal(pair.state, PAIR_HEAD);
	pair.head_until = clock_now_ms() - 1;
	readable();
	assert_int_equal(pair.state, PAIR_FAREWELL);
	assert_int_equal(recv(client, got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(got, "HTTP/1.1 408", 12);
}

/* ---- the last bytes ---- */

/* What the client still sends is dropped, so that it gets them, until it hangs up or for a while. */
static void test_farewell(void **state)
{
	char got[32];

	(void)state;
	pair.state = PAIR_FAREWELL;
	memcpy(out, "bye", 3);
	pair.out.to = 3;
	client_writes("more of a body");
	assert_true(pair_step_farewell(&pair));
	assert_int_equal(recv(client, got, sizeof(got), 0), 3);
	assert_int_equal(recv(client, got, sizeof(got), 0), 0);
	assert_true(pair.shut);
	assert_false(pair_step_farewell(&pair));
	assert_int_equal(pair.state, PAIR_FAREWELL);
	pair.linger_until = clock_now_ms() - 1;
	pair_step_farewell(&pair);
	assert_int_equal(pair.state, PAIR_OVER);
	assert_false(pair_step_farewell(&pair));
}

/* Its time ends though nothing is heard. */
static void test_farewell_to_who_is_silent(void **state)
{
	const struct pollfd nothing[2] = { { .fd = pair.fd }, { .fd = -1 } };

	(void)state;
	pair.state = PAIR_FAREWELL;
	pair_run(&pair, nothing);
	assert_false(pair.shut); /* it did not have its turn */
	pair.again = true;
	pair_run(&pair, nothing);
	assert_true(pair.shut);
	pair.again = false;
	pair.linger_until = clock_now_ms() - 1;
	pair_run(&pair, nothing);
	assert_int_equal(pair.state, PAIR_OVER);
}

static void test_farewell_to_who_has_gone(void **state)
{
	(void)state;
	pair.state = PAIR_FAREWELL;
	pair.out.to = 3;
	close(client);
	client = -1;
	assert_false(pair_step_farewell(&pair));
	assert_int_equal(pair.state, PAIR_OVER);
	assert_false(pair.shut);
	client = dup(broker); /* for tear_down */
}

/* As long as something waits our side stays open. */
static void test_farewell_to_who_does_not_read(void **state)
{
	(void)state;
	pair.state = PAIR_FAREWELL;
	do {
		pair.out.from = 0;
		pair.out.to = sizeof(out);
	} while (pair_flush(&pair));
	pair.linger_until = clock_now_ms() - 1;
	assert_false(pair_step_farewell(&pair));
	assert_false(pair.shut);
	assert_int_equal(pair.state, PAIR_FAREWELL);
}

/* ---- what comes from the client ---- */

/* All that was ever read is wiped, also where less was read later. */
static void test_all_that_was_read_is_wiped(void **state)
{
	(void)state;
	client_writes("a long request");
	assert_true(pair_fill(&pair));
	assert_int_equal(pair.in.to, 14);
	assert_int_equal(pair.in_used, 14);
	pair.in.from = pair.in.to = 0;
	client_writes("short");
	assert_true(pair_fill(&pair));
	assert_int_equal(pair.in_used, 14);
	/* Nothing is there yet. */
	assert_false(pair_fill(&pair));
	assert_int_equal(pair.state, PAIR_HEAD);
	pair.in.from = pair.in.to = 0;
	pair_wipe_buffers(&pair);
	expect_zero(in, sizeof(in));
}

static bool told(const char *op)
{
	char said[512];
	ssize_t n = recv(broker, said, sizeof(said), MSG_DONTWAIT);

	return n > 0 && memmem(said, (size_t)n, op, strlen(op));
}

static void test_the_client_hangs_up(void **state)
{
	(void)state;
	shutdown(client, SHUT_WR);
	errno = EPERM;
	assert_false(pair_fill(&pair));
	assert_int_equal(pair.state, PAIR_OVER);
	assert_false(told("refusal"));
}

/* What a child writes that has the connection too is not read. */
static void test_another_process_writes(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(send(client, "GET /", 5, 0) == 5 ? 0 : 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(pair_fill(&pair));
	assert_int_equal(pair.state, PAIR_OVER);
	assert_true(told("refusal"));
	expect_zero(in, sizeof(in));
}

static short client_events(void)
{
	struct pollfd fds[2];
	int timeout = -1;

	pair_poll(&pair, fds, &timeout);
	assert_int_equal(fds[0].fd, pair.fd);
	assert_int_equal(fds[1].fd, -1);
	return fds[0].events;
}

/* A body is read as long as there is one, and what was read of it has gone on. */
static void test_what_is_waited_for(void **state)
{
	static const enum pair_state no[] = { PAIR_VALUE, PAIR_RESERVE, PAIR_CONNECT, PAIR_RENEW };
	size_t i;

	(void)state;
	assert_int_equal(client_events(), POLLIN);
	pair.state = PAIR_FAREWELL;
	assert_int_equal(client_events(), POLLIN);
	pair.out.to = 1;
	assert_int_equal(client_events(), POLLIN | POLLOUT);
	pair.out.to = 0;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		pair.state = no[i];
		assert_int_equal(client_events(), 0);
	}
	pair.in.to = 1;
	pair.state = PAIR_MODEL;
	assert_int_equal(client_events(), POLLIN);
	pair.in.to = 0;
	pair.state = PAIR_EXCHANGE;
	assert_int_equal(client_events(), POLLIN);
	pair.in.to = 1;
	assert_int_equal(client_events(), 0);
	pair.out.to = 1;
	assert_int_equal(client_events(), POLLOUT);
	pair.in.to = pair.out.to = 0;
	pair.request.ended = true;
	assert_int_equal(client_events(), 0);
	pair.request.ended = false;
	pair.answer.ended = true;
	assert_int_equal(client_events(), 0);
}

/* Who waits for something else hears of it so; a head or the last bytes are read to their end. */
static void test_a_hang_up_while_it_waits(void **state)
{
	const struct pollfd fds[2] = { { .fd = pair.fd, .revents = POLLHUP }, { .fd = -1 } };

	(void)state;
	pair_run(&pair, fds);
	assert_int_equal(pair.state, PAIR_HEAD);
	pair.state = PAIR_FAREWELL;
	pair_run(&pair, fds);
	assert_int_equal(pair.state, PAIR_FAREWELL);
	pair.state = PAIR_VALUE;
	pair_run(&pair, fds);
	assert_int_equal(pair.state, PAIR_OVER);
}

/* ---- the broker's words ---- */

static void expect_answer(unsigned status, const char *words)
{
	char begins[32];

	snprintf(begins, sizeof(begins), "HTTP/1.1 %u ", status);
	assert_int_equal(pair.state, PAIR_FAREWELL);
	assert_memory_equal(out, begins, strlen(begins));
	assert_non_null(memmem(out, sizeof(out), words, strlen(words)));
}

static void refused(enum pair_state state, enum fail_code code)
{
	struct failure why = { .code = code, .what = "a test's words" };

	memset(out, 0, sizeof(out));
	pair.out.to = 0;
	pair.shut = true; /* nothing is sent now */
	pair.linger_until = clock_now_ms() + 100000;
	pair.state = state;
	pair_refuse_key(&pair, &why);
}

/* What passes by itself the client tries again, the rest not. */
static void test_no_key(void **state)
{
	static const enum fail_code passes[] = { FAIL_LOCKED,  FAIL_NO_VALUE, FAIL_BUSY,
						 FAIL_TIMEOUT, FAIL_SOURCE,   FAIL_NO_MEMORY };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		refused(PAIR_VALUE, passes[i]);
		expect_answer(503, "a test's words");
		assert_int_equal(memmem(out, sizeof(out), "ccrun-cause: locked", 19) != NULL,
				 passes[i] == FAIL_LOCKED);
	}
	assert_null(memmem(out, sizeof(out), "hint", 4));
	refused(PAIR_VALUE, FAIL_POLICY);
	expect_answer(400, "a test's words");
	refused(PAIR_RENEW, FAIL_SOURCE);
	expect_answer(401, "a test's words");
	/* Who does not wait for it is not told. */
	refused(PAIR_RESERVE, FAIL_LOCKED);
	assert_int_equal(pair.state, PAIR_RESERVE);
	pair_take_key(&pair);
	assert_int_equal(pair.state, PAIR_RESERVE);
}

static void test_over_the_limit(void **state)
{
	const struct channel_message m = { .op = CHANNEL_REFUSED,
					   .id = 7,
					   .retry = 60,
					   .words = { .what = "the limit is reached" } };

	(void)state;
	pair.id = 8;
	pair.state = PAIR_RESERVE;
	assert_false(pair_take_reservation(&pair, &m));
	pair.id = 7;
	pair.state = PAIR_VALUE;
	assert_false(pair_take_reservation(&pair, &m));
	pair.state = PAIR_RESERVE;
	pair.shut = true;
	pair.linger_until = clock_now_ms() + 100000;
	assert_true(pair_take_reservation(&pair, &m));
	expect_answer(429, "the limit is reached");
}

static void test_the_key_is_wiped(void **state)
{
	static const enum pair_state stays[] = { PAIR_HEAD, PAIR_VALUE, PAIR_FAREWELL };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
		pair.state = stays[i];
		pair_wipe(&pair);
		assert_int_equal(pair.state, stays[i]);
		assert_false(pair_is_over(&pair));
	}
	pair.state = PAIR_RESERVE;
	pair_wipe(&pair);
	assert_true(pair_is_over(&pair));
}

/* ---- what the broker is told ---- */

/* What passes is announced ahead, where it is wanted and once for so many bytes. */
static void test_what_passes_is_announced(void **state)
{
	(void)state;
	pair.answer.sent = 1;
	pair.due = true;
	pair_announce(&pair);
	assert_false(told("passing")); /* nothing was reserved */
	pair.reserved = true;
	pair.due = false;
	pair_announce(&pair);
	assert_false(told("passing")); /* nothing is to be reported */
	pair.due = true;
	pair_announce(&pair);
	assert_true(told("passing"));
	assert_int_equal(pair.told, 16384);
	pair.answer.sent = 16384;
	pair_announce(&pair);
	assert_false(told("passing"));
	pair.answer.sent++;
	pair_announce(&pair);
	assert_true(told("passing"));
	assert_int_equal(pair.told, 32768);
	assert_false(relay.hung_up);
}

/* One that is no stream is announced as a whole, before any of it. */
static void test_what_has_a_bound_is_announced_first(void **state)
{
	(void)state;
	pair.due = pair.reserved = true;
	pair_announce(&pair);
	assert_false(told("passing"));
	pair.request.output = 100;
	pair_announce(&pair);
	assert_false(told("passing")); /* more of the request may say more */
	pair.request.ended = true;
	pair_announce(&pair);
	assert_true(told("passing"));
	pair_announce(&pair);
	assert_false(told("passing"));
}

/* In the place of the channel, which has this number. */
static int open_channel(void **state)
{
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	broker = fcntl(fds[1], F_DUPFD_CLOEXEC, 10);
	if (fds[1] != RELAY_CHANNEL_FD)
		close(fds[1]);
	if (fds[0] != RELAY_CHANNEL_FD) {
		dup2(fds[0], RELAY_CHANNEL_FD);
		close(fds[0]);
	}
	relay.sender =
		(struct sender){ getpid(), getuid(), (int)syscall(SYS_pidfd_open, getpid(), 0) };
	return broker < 0 ? -1 : 0;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_that_was_written_is_wiped),
		TEST(test_what_was_read_ahead_is_kept),
		TEST(test_interrupted),
		TEST(test_the_client_does_not_read),
		TEST(test_how_long_is_waited),
		TEST(test_a_head_has_its_time),
		TEST(test_a_head_that_does_not_end),
		TEST(test_farewell),
		TEST(test_farewell_to_who_is_silent),
		TEST(test_farewell_to_who_has_gone),
		TEST(test_farewell_to_who_does_not_read),
		TEST(test_all_that_was_read_is_wiped),
		TEST(test_the_client_hangs_up),
		TEST(test_another_process_writes),
		TEST(test_what_is_waited_for),
		TEST(test_a_hang_up_while_it_waits),
		TEST(test_no_key),
		TEST(test_over_the_limit),
		TEST(test_the_key_is_wiped),
		TEST(test_what_passes_is_announced),
		TEST(test_what_has_a_bound_is_announced_first),
	};

	return cmocka_run_group_tests(tests, open_channel, NULL);
}
