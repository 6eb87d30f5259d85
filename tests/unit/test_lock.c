/*
 * tests/unit/test_lock.c - when a vault locks by itself, and tokens that sleep.
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
#include "broker/lock.h"
#include "secure/arena.h"
#include "secure/vault.h"

static const uint8_t key[KEY_LEN] = { 7 };

static void test_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < LOCK_WHY_COUNT; i++)
		assert_int_equal(lock_why_from_name(lock_why_name((enum lock_why)i)), i);
	assert_int_equal(lock_why_from_name("sleep"), -1);
}

static void test_what_is_wanted(void **state)
{
	struct vault_settings s = { .events = 0 };

	(void)state;
	assert_false(lock_wanted(&s, LOCK_WHY_SUSPEND));
	assert_true(lock_wanted(&s, LOCK_WHY_REQUEST));
	s.events = LOCK_SCREEN;
	assert_true(lock_wanted(&s, LOCK_WHY_SCREEN));
	assert_false(lock_wanted(&s, LOCK_WHY_LOGOUT));
	/* only a person's word spares nothing */
	assert_false(lock_automatic(LOCK_WHY_REQUEST));
	assert_true(lock_automatic(LOCK_WHY_IDLE));
	assert_true(lock_automatic(LOCK_WHY_LOGOUT));
}

static void test_what_is_due(void **state)
{
	struct vault_settings s = { 0 };

	(void)state;
	assert_int_equal(lock_due(&s, 0, 0, INT64_MAX), LOCK_WHY_START);
	s.idle = 60;
	assert_int_equal(lock_due(&s, 0, 5000, 64999), LOCK_WHY_START);
	assert_int_equal(lock_due(&s, 0, 5000, 65000), LOCK_WHY_IDLE);
	s.longest = 3600;
	assert_int_equal(lock_due(&s, 5000, 3604000, 3604999), LOCK_WHY_START);
	assert_int_equal(lock_due(&s, 5000, 3604000, 3605000), LOCK_WHY_LONGEST);
	/* the largest that is allowed, after ten years of uptime */
	s.idle = s.longest = LOCK_TIME_MAX;
	assert_int_equal(lock_due(&s, INT64_C(315360000000), INT64_C(315360000000), INT64_C(315360000001)),
			 LOCK_WHY_START);
}

static void put(struct vault *v, const char *name, const char *token)
{
	struct entry e = { .created = 1 };

	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(e.origin, sizeof(e.origin), "bearer https://%s.example", name);
	snprintf(e.variable, sizeof(e.variable), "ANTHROPIC_AUTH_TOKEN");
	snprintf(e.policy, sizeof(e.policy), "delivery=auto ttl=60");
	e.token = (const uint8_t *)token;
	e.token_len = strlen(token);
	assert_int_equal(vault_put(v, &e, NULL), 0);
}

static uint8_t *seal(struct vault *v, size_t *n)
{
	uint8_t *file;

	assert_int_equal(vault_seal(v, &file, n, NULL), 0);
	vault_sealed(v);
	return file;
}

static void test_sleep_and_wake(void **state)
{
	struct arena *arena = arena_new(ARENA_DEFAULT, NULL);
	struct slot_info info = { .kind = SLOT_KEYRING, .label = "one" };
	struct vault *v = vault_create(arena, NULL, &info, key, NULL);
	uint8_t *old, *now, *none;
	struct failure f = { 0 };
	size_t n_old, n_now, n;

	(void)state;
	put(v, "a", "token-a-1");
	put(v, "b", "token-b-1");
	old = seal(v, &n_old);
	put(v, "a", "token-a-2");
	now = seal(v, &n_now);
	vault_sleep(v, "a");
	vault_sleep(v, "nobody");
	assert_int_equal(vault_asleep(v), 1);
	assert_null(vault_find(v, "a")->token);
	assert_non_null(vault_find(v, "b")->token);
	/* what sleeps is not in memory, so nothing can be written */
	assert_int_equal(vault_seal(v, &none, &n, &f), -1);
	/* nor is it taken from a file that is not the present one */
	assert_int_equal(vault_wake(v, old, n_old, &f), -1);
	assert_int_equal(f.code, FAIL_EXISTS);
	assert_int_equal(vault_asleep(v), 1);
	assert_int_equal(vault_wake(v, now, n_now, &f), 0);
	assert_int_equal(vault_asleep(v), 0);
	assert_memory_equal(vault_find(v, "a")->token, "token-a-2", 9);
	free(old);
	free(now);
	vault_free(v);
	assert_int_equal(arena_used(arena), 0);
	arena_free(arena);
}

static bool is_b(const struct entry *e)
{
	return strcmp(e->name, "b") == 0;
}

static void test_narrow(void **state)
{
	struct arena *arena = arena_new(ARENA_DEFAULT, NULL);
	struct slot_info info = { .kind = SLOT_KEYRING, .label = "one" };
	struct vault *v = vault_create(arena, NULL, &info, key, NULL);
	uint8_t *none;
	size_t n;

	(void)state;
	put(v, "a", "token-a");
	put(v, "b", "token-b");
	free(seal(v, &n));
	v = vault_narrow(v, is_b);
	assert_non_null(v);
	assert_int_equal(vault_count(v), 1);
	assert_null(vault_find(v, "a"));
	assert_memory_equal(vault_find(v, "b")->token, "token-b", 7);
	assert_int_equal(vault_seal(v, &none, &n, NULL), -1);
	/* one that sleeps is not worth keeping */
	vault_sleep(v, "b");
	assert_null(vault_narrow(v, is_b));
	assert_null(vault_narrow(NULL, is_b));
	assert_int_equal(arena_used(arena), 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_what_is_wanted),
		cmocka_unit_test(test_what_is_due),    cmocka_unit_test(test_sleep_and_wake),
		cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
