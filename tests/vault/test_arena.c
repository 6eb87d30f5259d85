/*
 * tests/vault/test_arena.c - the locked region: what the kernel says of it, the
 * allocator under random use, wiping, guards, and what makes it stop.
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

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "vault/arena.h"
#include "vault/crypto.h"

#define BLOCKS 200
#define ROUNDS 20000

static bool all_zero(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_locked(void **state)
{
	struct failure f = { 0 };
	struct arena *a = arena_new(ARENA_DEFAULT, &f);
	uint8_t *p;

	(void)state;
	assert_non_null(a);
	assert_true(arena_size(a) >= ARENA_LEAST);
	assert_int_equal(arena_used(a), 0);
	assert_true(arena_verify(a));
	p = arena_alloc(a, 5000, &f);
	assert_non_null(p);
	assert_true(arena_verify(a));
	assert_true(arena_used(a) >= 5000);
	arena_release(a, p);
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
	arena_free(NULL);
}

/* The verification must not merely repeat what mlock returned. */
static void test_verify_notices(void **state)
{
	struct arena *a = arena_new(ARENA_LEAST, NULL);
	uint8_t *p = arena_alloc(a, 100, NULL);
	uint8_t *page = (uint8_t *)((uintptr_t)p & ~(uintptr_t)4095);

	(void)state;
	assert_true(arena_verify(a));
	assert_int_equal(madvise(page, 4096, MADV_DODUMP), 0);
	assert_false(arena_verify(a));
	assert_int_equal(madvise(page, 4096, MADV_DONTDUMP), 0);
	assert_true(arena_verify(a));
	/* the system call: the sanitizer's munlock does nothing */
	assert_int_equal(syscall(SYS_munlock, page + 4096, 4096), 0);
	assert_false(arena_verify(a));
	arena_free(a);
}

static void test_zeroed_and_aligned(void **state)
{
	struct arena *a = arena_new(ARENA_LEAST, NULL);
	uint8_t *p, *q;
	size_t n;

	(void)state;
	for (n = 0; n < 300; n++) {
		p = arena_alloc(a, n, NULL);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(all_zero(p, n));
		memset(p, 0xa5, n);
		q = arena_alloc(a, 1, NULL);
		arena_release(a, p);
		assert_true(all_zero(p, n));
		arena_release(a, q);
	}
	arena_release(a, NULL);
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
}

static void test_full(void **state)
{
	struct failure f = { 0 };
	struct arena *a = arena_new(ARENA_LEAST, NULL);
	void *block[ARENA_LEAST / 1024];
	size_t n = 0, i;
	void *p;

	(void)state;
	assert_null(arena_alloc(a, SIZE_MAX, &f));
	assert_null(arena_alloc(a, SIZE_MAX - 8, NULL));
	assert_null(arena_alloc(a, arena_size(a), NULL));
	assert_int_equal(f.code, FAIL_NO_MEMORY);
	while ((p = arena_alloc(a, 2000, &f)) != NULL)
		block[n++] = p;
	assert_true(n > 80);
	/* every second one: no larger hole; then all: one hole again */
	for (i = 0; i < n; i += 2)
		arena_release(a, block[i]);
	assert_null(arena_alloc(a, 4000, NULL));
	for (i = 1; i < n; i += 2)
		arena_release(a, block[i]);
	assert_int_equal(arena_used(a), 0);
	p = arena_alloc(a, arena_size(a) - 64, &f);
	assert_non_null(p);
	assert_true(all_zero(p, arena_size(a) - 64));
	arena_release(a, p);
	arena_free(a);
}

/* Random sizes and lifetimes; each block holds its own pattern. */
static void test_random_use(void **state)
{
	struct arena *a = arena_new(ARENA_DEFAULT, NULL);
	struct {
		uint8_t *p;
		size_t n;
		uint8_t fill;
	} b[BLOCKS] = { 0 };
	unsigned i, k, seed = 7;
	size_t j;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		k = (unsigned)rand_r(&seed) % BLOCKS;
		if (b[k].p) {
			for (j = 0; j < b[k].n; j++)
				assert_int_equal(b[k].p[j], b[k].fill);
			arena_release(a, b[k].p);
			b[k].p = NULL;
			continue;
		}
		b[k].n = (size_t)rand_r(&seed) % (i % 10 ? 200 : 9000);
		b[k].fill = (uint8_t)(1 + i % 255);
		b[k].p = arena_alloc(a, b[k].n, NULL);
		if (!b[k].p)
			continue;
		assert_true(all_zero(b[k].p, b[k].n));
		memset(b[k].p, b[k].fill, b[k].n);
	}
	for (k = 0; k < BLOCKS; k++)
		arena_release(a, b[k].p);
	assert_int_equal(arena_used(a), 0);
	assert_true(arena_verify(a));
	arena_free(a);
}

/* Run `what` in a child; the signal that ended it, or -(1 + exit status). */
static int ends_with(void (*what)(void))
{
	int status, null;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL);
		(void)signal(SIGSEGV, SIG_DFL);
		null = open("/dev/null", O_WRONLY);
		(void)dup2(null, STDERR_FILENO);
		what();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -(1 + WEXITSTATUS(status));
}

static struct arena *fresh(void)
{
	struct arena *a = arena_new(ARENA_LEAST, NULL);

	if (!a)
		_exit(9);
	return a;
}

static void twice(void)
{
	struct arena *a = fresh();
	void *p = arena_alloc(a, 100, NULL), *q = arena_alloc(a, 100, NULL);

	arena_release(a, p);
	(void)q;
	arena_release(a, p);
}

static void twice_merged(void)
{
	struct arena *a = fresh();
	void *p = arena_alloc(a, 100, NULL), *q = arena_alloc(a, 100, NULL);

	arena_release(a, p);
	arena_release(a, q);
	arena_release(a, q);
}

static void foreign(void)
{
	static uint8_t elsewhere[256];

	arena_release(fresh(), elsewhere + 64);
}

static void inside(void)
{
	struct arena *a = fresh();
	uint8_t *p = arena_alloc(a, 256, NULL);

	arena_release(a, p + 64);
}

static void unaligned(void)
{
	struct arena *a = fresh();
	uint8_t *p = arena_alloc(a, 256, NULL);

	arena_release(a, p + 1);
}

static void over_by_one(void)
{
	struct arena *a = fresh();
	uint8_t *p = arena_alloc(a, 100, NULL);

	p[100] ^= 1;
	arena_release(a, p);
}

static void header_changed(void)
{
	struct arena *a = fresh();
	uint8_t *p = arena_alloc(a, 100, NULL), *q = arena_alloc(a, 100, NULL);

	q[-32] ^= 16;
	(void)p;
	(void)arena_alloc(a, 10, NULL);
}

static void of_another(void)
{
	arena_release(fresh(), arena_alloc(fresh(), 10, NULL));
}

static void test_aborts(void **state)
{
	(void)state;
	assert_int_equal(ends_with(twice), SIGABRT);
	assert_int_equal(ends_with(twice_merged), SIGABRT);
	assert_int_equal(ends_with(foreign), SIGABRT);
	assert_int_equal(ends_with(inside), SIGABRT);
	assert_int_equal(ends_with(unaligned), SIGABRT);
	assert_int_equal(ends_with(over_by_one), SIGABRT);
	assert_int_equal(ends_with(header_changed), SIGABRT);
	assert_int_equal(ends_with(of_another), SIGABRT);
}

/* The first block starts the region: in front of its page lies the guard. */
static void touch_front(void)
{
	volatile uint8_t *p = arena_alloc(fresh(), 16, NULL);

	(void)p[-4096];
}

static void touch_end(void)
{
	struct arena *a = fresh();
	volatile uint8_t *p = arena_alloc(a, 16, NULL);

	(void)((volatile uint8_t *)((uintptr_t)p & ~(uintptr_t)4095))[arena_size(a)];
}

static struct arena *parents;
static volatile uint8_t *parents_block;

static void touch_parents(void)
{
	if (arena_verify(parents))
		_exit(3);
	(void)parents_block[0];
}

static void free_parents(void)
{
	arena_free(parents);
	_exit(7);
}

/* A sanitizer turns the signal into an exit of its own; what counts is that the read ended it. */
static void test_guards(void **state)
{
	(void)state;
	assert_int_not_equal(ends_with(touch_front), -1);
	assert_int_not_equal(ends_with(touch_end), -1);
	assert_int_not_equal(ends_with(touch_front), -10);
}

static void test_children_have_none(void **state)
{
	int end;

	(void)state;
	parents = arena_new(ARENA_LEAST, NULL);
	parents_block = arena_alloc(parents, 16, NULL);
	end = ends_with(touch_parents);
	assert_int_not_equal(end, -1);
	assert_int_not_equal(end, -4);
	assert_int_equal(ends_with(free_parents), -8);
	assert_true(arena_verify(parents));
	arena_free(parents);
}

static void limit(rlim_t bytes)
{
	struct rlimit r = { bytes, bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &r))
		_exit(20);
	if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		_exit(21);
}

static void limit_none(void)
{
	struct failure f = { 0 };

	limit(64 * 1024);
	if (arena_new(ARENA_DEFAULT, &f))
		_exit(1);
	if (f.code != FAIL_NOT_LOCKED_MEM || !strstr(f.hint, "RLIMIT_MEMLOCK") ||
	    !strstr(f.hint, "LimitMEMLOCK"))
		_exit(2);
	_exit(42);
}

static void limit_half(void)
{
	struct arena *a;

	limit(600 * 1024);
	a = arena_new(ARENA_DEFAULT, NULL);
	_exit(a && arena_size(a) == 512 * 1024 && arena_verify(a) ? 42 : 1);
}

static void limit_least(void)
{
	struct arena *a;

	limit(200 * 1024);
	a = arena_new(ARENA_DEFAULT, NULL);
	_exit(a && arena_size(a) == ARENA_LEAST && arena_verify(a) ? 42 : 1);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(ends_with(limit_none), -43);
	assert_int_equal(ends_with(limit_half), -43);
	assert_int_equal(ends_with(limit_least), -43);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_verify_notices),
		cmocka_unit_test(test_zeroed_and_aligned),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_random_use),
		cmocka_unit_test(test_aborts),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_children_have_none),
		cmocka_unit_test(test_limits),
	};

	if (libsodium_start(NULL))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
