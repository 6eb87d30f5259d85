/*
 * tests/relay/test_pair.c - what goes to the client, and what stays of it in the buffers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "relay/pair.h"
#include "relay/pair_client.h"
#include "relay/pair_end.h"
#include "relay/pair_state.h"

static struct pair pair;
static char in[64], out[64];
static int client = -1;

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
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		return -1;
	memset(&pair, 0, sizeof(pair));
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	pair.in = (struct buffer){ .p = in, .size = sizeof(in) };
	pair.out = (struct buffer){ .p = out, .size = sizeof(out) };
	pair.fd = fds[0];
	client = fds[1];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
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

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_that_was_written_is_wiped),
		TEST(test_what_was_read_ahead_is_kept),
		TEST(test_interrupted),
		TEST(test_the_client_does_not_read),
		TEST(test_how_long_is_waited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
