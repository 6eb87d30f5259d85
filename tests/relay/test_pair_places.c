/*
 * tests/relay/test_pair_places.c - whose place another request gets, and when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "relay/pair.h"
#include "relay/pair_places.h"
#include "relay/pair_state.h"

#define COUNT 3
#define STILL_MS 30000

static struct relay relay;
static struct pair pairs[COUNT];
static char in[COUNT][64], out[COUNT][ANSWER_OUT_SIZE];
static int clients[COUNT];

/* None is between two requests, none has stopped. */
static int set_up(void **state)
{
	int fds[2];
	size_t i;

	(void)state;
	memset(&relay, 0, sizeof(relay));
	relay.pair_count = COUNT;
	for (i = 0; i < COUNT; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
			return -1;
		pairs[i] = (struct pair){
			.relay = &relay,
			.state = PAIR_EXCHANGE,
			.fd = fds[0],
			.in = { .p = in[i], .size = sizeof(in[i]) },
			.out = { .p = out[i], .size = sizeof(out[i]) },
		};
		relay.pairs[i] = &pairs[i];
		clients[i] = fds[1];
	}
	return 0;
}

static int tear_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		if (pairs[i].fd >= 0)
			close(pairs[i].fd);
		close(clients[i]);
	}
	return 0;
}

static void stop(size_t i, int64_t ago_ms)
{
	pairs[i].still_since = clock_now_ms() - ago_ms;
}

/* Which ones are over, a bit for each. */
static unsigned over(void)
{
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < COUNT; i++)
		bits |= pair_is_over(&pairs[i]) ? 1u << i : 0;
	return bits;
}

static void expect_none(void)
{
	int timeout = -1;

	assert_false(pair_places_may_make(&relay, &timeout));
	assert_int_equal(timeout, -1);
	assert_false(pair_places_make(&relay));
	assert_false(pair_places_free_memory(&relay));
	assert_int_equal(over(), 0);
}

static void test_who_goes_on_stays(void **state)
{
	(void)state;
	expect_none();
	pairs[0].state = PAIR_CONNECT;
	pairs[1].state = PAIR_FAREWELL;
	pairs[2].state = PAIR_HEAD;
	pairs[2].in.to = 1;
	expect_none();
	/* It has been asked for another key meanwhile. */
	stop(0, STILL_MS + 1);
	expect_none();
}

static void test_the_oldest_between_two_requests_goes_first(void **state)
{
	int timeout = -1;

	(void)state;
	stop(0, STILL_MS + 1);
	pairs[1].state = pairs[2].state = PAIR_HEAD;
	assert_true(pair_places_may_make(&relay, &timeout));
	assert_int_equal(timeout, -1);
	assert_true(pair_places_make(&relay));
	assert_int_equal(over(), 1u << 1);
	/* It has no memory that a request could use. */
	assert_true(pair_places_free_memory(&relay));
	assert_int_equal(over(), 1u << 1 | 1u << 0);
	assert_false(pair_places_free_memory(&relay));
}

/* Nor may bodies whose model is awaited have all of the places. */
static void test_a_body_that_stopped_before_its_model_goes(void **state)
{
	(void)state;
	pairs[1].state = PAIR_MODEL;
	stop(1, STILL_MS + 1);
	assert_true(pair_places_make(&relay));
	assert_int_equal(over(), 1u << 1);
}

static void test_the_body_that_stopped_first_goes(void **state)
{
	char said[1024] = "";
	int timeout = -1;

	(void)state;
	stop(0, STILL_MS + 1);
	stop(1, STILL_MS + 1000);
	stop(2, STILL_MS + 500);
	assert_true(pair_places_may_make(&relay, &timeout));
	assert_true(pair_places_make(&relay));
	assert_int_equal(over(), 1u << 1);
	assert_true(recv(clients[1], said, sizeof(said) - 1, 0) > 0);
	assert_non_null(strstr(said, "HTTP/1.1 408"));
	assert_non_null(strstr(said, "body stopped"));
}

static void test_not_before_its_time(void **state)
{
	int timeout = -1;

	(void)state;
	stop(0, STILL_MS - 20000);
	stop(2, STILL_MS - 10000);
	assert_false(pair_places_may_make(&relay, &timeout));
	assert_in_range(timeout, 1, 10000);
	timeout = 5;
	assert_false(pair_places_may_make(&relay, &timeout));
	assert_int_equal(timeout, 5);
	assert_false(pair_places_make(&relay));
	assert_int_equal(over(), 0);
}

/* What has come, and was not read yet, is the body's going on. */
static void test_what_was_not_read_yet_counts(void **state)
{
	(void)state;
	stop(0, STILL_MS + 2000);
	stop(1, STILL_MS + 1000);
	assert_int_equal(send(clients[0], "x", 1, 0), 1);
	assert_true(pair_places_free_memory(&relay));
	assert_int_equal(over(), 1u << 1);
	assert_false(pair_places_free_memory(&relay));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_goes_on_stays),
		TEST(test_the_oldest_between_two_requests_goes_first),
		TEST(test_a_body_that_stopped_before_its_model_goes),
		TEST(test_the_body_that_stopped_first_goes),
		TEST(test_not_before_its_time),
		TEST(test_what_was_not_read_yet_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
