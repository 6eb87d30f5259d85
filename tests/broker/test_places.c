/*
 * tests/broker/test_places.c - which place a newcomer gets, where there are too many, and how
 * many sessions and connections there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/places.h"

#define PLACES 8
#define HOLDER 7 /* the pid of who holds most */

static struct connection place[PLACES];
static struct broker b;
static struct tenant *const t = &b.tenant[0], *const other = &b.tenant[1];
static struct failure f;

/* The places are all HOLDER's, who only asks; the first was silent for longest. */
static int begin(void **state)
{
	unsigned i;

	(void)state;
	memset(&b, 0, sizeof(b));
	memset(place, 0, sizeof(place));
	b.connection = place;
	b.places = b.places_most = PLACES;
	for (i = 0; i < PLACES; i++) {
		place[i].fd = 100;
		place[i].tenant = t;
		place[i].peer.pid = HOLDER;
		place[i].deadline = 1000 + i;
	}
	return 0;
}

static int found(bool marked)
{
	const struct connection *c = places_find_silent(&b, t, marked);

	return c ? (int)(c - place) : -1;
}

static void test_free_places(void **state)
{
	unsigned i;

	(void)state;
	/* One after the other, and no more than there are; those behind are nobody's yet. */
	b.places = 0;
	b.places_most = PLACES - 1;
	for (i = 0; i < PLACES - 1; i++) {
		assert_ptr_equal(places_find_free(&b), &place[i]);
		assert_int_equal(place[i].fd, -1);
		assert_int_equal(b.places, i + 1);
		place[i].fd = 100;
	}
	assert_null(places_find_free(&b));
	assert_int_equal(b.places, PLACES - 1);
	/* Then the first that is free again. */
	place[2].fd = place[5].fd = -1;
	assert_ptr_equal(places_find_free(&b), &place[2]);
	place[2].fd = 100;
	assert_ptr_equal(places_find_free(&b), &place[5]);
	assert_int_equal(b.places, PLACES - 1);
}

static enum fail_code descriptors(unsigned connections)
{
	t->connections = connections;
	return places_check_descriptors(&b, t, PLACE_FDS, &f) == 0 ? FAIL_NONE : f.code;
}

static void test_descriptors(void **state)
{
	(void)state;
	b.fds_connections = 21; /* ten connections with a pidfd each */
	assert_int_equal(descriptors(0), FAIL_NONE);
	assert_int_equal(descriptors(9), FAIL_NONE);
	assert_int_equal(descriptors(10), FAIL_BUSY);
}

/* A uid of the system broker has no more than are left for the others. */
static void test_a_users_share(void **state)
{
	(void)state;
	b.system = true;
	b.tenants = 2;
	b.fds_connections = 40;
	assert_int_equal(descriptors(9), FAIL_NONE);
	assert_int_equal(descriptors(10), FAIL_BUSY);
	other->connections = 5;
	other->relay_files = 2;
	assert_int_equal(descriptors(6), FAIL_NONE);
	assert_int_equal(descriptors(7), FAIL_BUSY);
	t->relay_files = 1;
	assert_int_equal(descriptors(6), FAIL_BUSY);
}

static enum fail_code session(unsigned opened)
{
	t->opened = opened;
	return places_check_session(&b, t, &f) == 0 ? FAIL_NONE : f.code;
}

/* By number, and by what 16 who list, end or lock them need. */
static void test_sessions(void **state)
{
	(void)state;
	b.sessions_uid = 10;
	b.fds_connections = 1000;
	assert_int_equal(session(9), FAIL_NONE);
	assert_int_equal(session(10), FAIL_BUSY);
	b.fds_connections = 40;
	assert_int_equal(session(4), FAIL_NONE);
	assert_int_equal(session(5), FAIL_BUSY);
}

/* Who was silent for longest, in whatever place; who has no deadline waits for an answer. */
static void test_silent_for_longest(void **state)
{
	static const int64_t deadlines[][3] = { { 1, 2, 3 }, { 2, 3, 1 }, { 3, 1, 2 },
						{ 1, 0, 2 }, { 0, 2, 1 }, { 2, 1, 0 } };
	static const int first[] = { 0, 2, 1, 0, 2, 1 };
	size_t i, k;

	(void)state;
	assert_int_equal(found(false), 0);
	b.places = 3;
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		for (k = 0; k < 3; k++)
			place[k].deadline = deadlines[i][k];
		assert_int_equal(found(false), first[i]);
	}
	/* Nobody but who waits. */
	place[0].deadline = place[1].deadline = place[2].deadline = 0;
	assert_in_range(found(false), 0, 2);
	b.places = 0;
	assert_int_equal(found(false), -1);
}

/* Of the process that holds most, though others were silent for longer. */
static void test_who_holds_most(void **state)
{
	(void)state;
	place[0].peer.pid = place[1].peer.pid = place[2].peer.pid = HOLDER + 1;
	assert_int_equal(found(false), 3);
	place[3].peer.pid = place[4].peer.pid = HOLDER + 1;
	assert_int_equal(found(false), 0);
}

/* What is in use, or another's, is not taken, and does not count as held. */
static void test_what_is_not_taken(void **state)
{
	static struct relay *const some = (struct relay *)&b;

	(void)state;
	place[0].session.state = SESSION_LIVE;
	place[1].tenant = other;
	place[2].relay = some;
	place[3].watcher = true;
	place[4].fd = -1;
	assert_int_equal(found(false), 5);
	place[5].fd = place[6].fd = -1;
	assert_int_equal(found(false), 7);
	/* HOLDER has one that can be taken and five that cannot, this one two. */
	place[5].fd = place[6].fd = 100;
	place[5].peer.pid = place[6].peer.pid = HOLDER + 1;
	place[7].deadline = 1;
	assert_int_equal(found(false), 5);
}

/* A newcomer from inside a session takes nobody's place that is outside. */
static void test_marked(void **state)
{
	(void)state;
	assert_int_equal(found(true), -1);
	place[6].marked = true;
	assert_int_equal(found(true), 6);
	assert_int_equal(found(false), 0);
	place[0].fd = -1;
	place[1].marked = true;
	assert_int_equal(found(false), 1);
}

#define TEST(t) cmocka_unit_test_setup(t, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_free_places),	       TEST(test_descriptors),
		TEST(test_a_users_share),      TEST(test_sessions),
		TEST(test_silent_for_longest), TEST(test_who_holds_most),
		TEST(test_what_is_not_taken),  TEST(test_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
