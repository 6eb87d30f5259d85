/*
 * tests/relay/test_renewed.c - a key that takes another one's place while answers are under
 * way, and a request that is kept to be sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "relay/kept_request.h"
#include "relay/key.h"
#include "relay/secret_filter.h"
#include "vault/arena.h"

#define FIRST "sk-first-0123456789"
#define SECOND "sk-second-987654321"
#define OTHER "gateway-secret-000"

static struct arena *arena;
static struct key key;

static int set_up(void **state)
{
	static const struct request_secret fields[2] = { { "authorization", "Bearer" },
							 { "x-gateway", NULL } };

	(void)state;
	arena = arena_new(1024 * 1024, NULL);
	key_init(&key, arena, fields, 2);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	key_wipe(&key);
	assert_true(arena_verify(arena));
	assert_int_equal(arena_used(arena), 0);
	arena_free(arena);
	return 0;
}

static int take(unsigned index, const char *text)
{
	struct failure f;

	return key_take(&key, index, 2, (const uint8_t *)text, strlen(text), &f);
}

static void take_all(const char *text)
{
	assert_int_equal(take(0, text), 0);
	assert_int_equal(take(1, OTHER), 0);
	assert_true(key_is_whole(&key));
}

/* What becomes of text in an answer to a request that was sent with v. */
static void expect_filtered(const struct key_value *v, const char *text, const char *want)
{
	struct secret_filter *filter = calloc(1, sizeof(*filter));
	uint8_t out[128];
	size_t n;

	assert_non_null(filter);
	secret_filter_init(filter, v->set);
	secret_filter_write(filter, (const uint8_t *)text, strlen(text), out, sizeof(out), &n);
	n += secret_filter_finish(filter, out + n, sizeof(out) - n);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	free(filter);
}

static void test_the_present_one_stays_until_all_has_come(void **state)
{
	uint64_t number;

	(void)state;
	take_all(FIRST);
	number = key.number;
	assert_int_equal(take(0, SECOND), 0);
	assert_true(key_is_whole(&key));
	assert_int_equal(key.number, number);
	assert_non_null(memmem(key.lines, key.lines_n, FIRST, strlen(FIRST)));
	/* begun once more */
	assert_int_equal(take(0, SECOND), 0);
	assert_int_equal(take(1, OTHER), 0);
	assert_true(key.number > number);
	assert_true(key_is_newer(&key, number));
	assert_false(key_is_newer(&key, key.number));
	assert_null(memmem(key.lines, key.lines_n, FIRST, strlen(FIRST)));
	assert_non_null(memmem(key.lines, key.lines_n, SECOND, strlen(SECOND)));
}

static void test_answers_under_way_look_for_their_own(void **state)
{
	struct key_value *old, *again, *new;
	size_t used;

	(void)state;
	take_all(FIRST);
	old = key_hold(&key);
	again = key_hold(&key);
	assert_ptr_equal(old, again);
	take_all(SECOND);
	new = key_hold(&key);
	assert_ptr_not_equal(old, new);
	expect_filtered(old, "a " FIRST " b", "a ******************* b");
	expect_filtered(new, "a " SECOND " b", "a ******************* b");
	key_let_go(&key, again);
	expect_filtered(old, FIRST, "*******************");
	used = arena_used(arena);
	key_let_go(&key, old);
	assert_true(arena_used(arena) < used);
	assert_null(key.former);
	/* the present one stays */
	key_let_go(&key, new);
	assert_true(key_is_whole(&key));
	key_let_go(&key, NULL);
}

static void test_wipe_takes_all_of_them(void **state)
{
	struct key_value *old, *new;
	unsigned i;

	(void)state;
	take_all(FIRST);
	old = key_hold(&key);
	take_all(SECOND);
	new = key_hold(&key);
	key_wipe(&key);
	assert_false(key_is_whole(&key));
	assert_false(key_is_newer(&key, 0));
	assert_null(key.lines);
	for (i = 0; i < 2; i++) {
		assert_null(old->text[i]);
		assert_null(new->text[i]);
	}
	assert_int_equal(old->set->count, 0);
	assert_int_equal(new->set->count, 0);
	/* Another may come before they are let go. */
	take_all(SECOND);
	key_let_go(&key, old);
	key_let_go(&key, new);
	assert_null(key.former);
}

static void test_what_is_refused_leaves_nothing(void **state)
{
	struct key_value *old;

	(void)state;
	take_all(FIRST);
	old = key_hold(&key);
	assert_int_equal(take(1, OTHER), -1);
	assert_false(key_is_whole(&key));
	assert_int_equal(old->set->count, 0);
	key_let_go(&key, old);
	assert_int_equal(take(0, FIRST), 0);
	assert_int_equal(take(1, "no\ttoken"), -1);
	assert_null(key.coming);
}

/* ---- a kept request ---- */

static void test_kept(void **state)
{
	struct kept_request k = { .on = true };
	static char piece[100000];
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < sizeof(piece); i++)
		piece[i] = (char)(i * 7);
	for (i = 1; n < KEPT_MAX / 2; i++) {
		kept_request_add(&k, piece, i * 1000 % sizeof(piece));
		n += i * 1000 % sizeof(piece);
	}
	assert_false(k.over);
	assert_int_equal(buffer_waiting(&k.b), n);
	assert_memory_equal(k.b.p, piece, 1000);
	assert_memory_equal(k.b.p + 1000, piece, 2000);
	assert_false(kept_request_waits(&k));
	kept_request_replay(&k);
	assert_true(kept_request_waits(&k));
	/* what comes from the client meanwhile is not kept */
	kept_request_add(&k, piece, 10);
	assert_int_equal(buffer_waiting(&k.b), n);
	buffer_take(&k.b, n);
	assert_false(kept_request_waits(&k));
	kept_request_end(&k);
	assert_null(k.b.p);
	assert_false(k.on || k.over || k.replaying);
}

static void test_too_much_is_not_kept(void **state)
{
	struct kept_request k = { .on = true }, off = { .on = false }, many[8] = { 0 };
	char *piece = calloc(1, KEPT_MAX);
	unsigned i, over = 0;

	(void)state;
	assert_non_null(piece);
	kept_request_add(&off, piece, 10);
	assert_null(off.b.p);
	kept_request_add(&k, piece, KEPT_MAX);
	assert_false(k.over);
	kept_request_add(&k, piece, 1);
	assert_true(k.over);
	assert_null(k.b.p);
	kept_request_add(&k, piece, 1);
	assert_null(k.b.p);
	kept_request_end(&k);
	/* nor by many together; what was wiped makes room again */
	for (i = 0; i < 8; i++) {
		many[i].on = true;
		kept_request_add(&many[i], piece, KEPT_MAX);
		over += many[i].over;
	}
	assert_int_equal(over, 8 - KEPT_ALL / KEPT_MAX);
	for (i = 0; i < 8; i++)
		kept_request_end(&many[i]);
	k.on = true;
	kept_request_add(&k, piece, KEPT_MAX);
	assert_false(k.over);
	kept_request_end(&k);
	free(piece);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_present_one_stays_until_all_has_come,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_under_way_look_for_their_own, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_wipe_takes_all_of_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_refused_leaves_nothing, set_up,
						tear_down),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_too_much_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
