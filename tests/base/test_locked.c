/*
 * tests/base/test_locked.c - pages for secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fail.h"
#include "base/locked.h"

#define PAGE 4096
#define N (2 * PAGE + 100) /* three pages */

static bool verified(const void *p)
{
	int smaps = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
	bool ok;

	assert_true(smaps >= 0);
	ok = locked_verify(p, N, smaps);
	close(smaps);
	return ok;
}

/* How a child ends that does this. */
static int child(void (*work)(uint8_t *p), uint8_t *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* a sanitizer's handler would make an exit of it */
		signal(SIGSEGV, SIG_DFL);
		prctl(PR_SET_DUMPABLE, 0);
		work(p);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void write_before(uint8_t *p)
{
	((volatile uint8_t *)p)[-1] = 1;
}

static void write_behind(uint8_t *p)
{
	((volatile uint8_t *)p)[3 * PAGE] = 1;
}

static void write_within(uint8_t *p)
{
	p[0] = p[3 * PAGE - 1] = 1;
}

static void test_guarded(void **state)
{
	struct failure f = { 0 };
	uint8_t *p = locked_map(N, &f);
	size_t i;
	int status;

	(void)state;
	assert_non_null(p);
	for (i = 0; i < 3 * PAGE; i++)
		assert_int_equal(p[i], 0);
	assert_int_equal(child(write_within, p), 0);
	status = child(write_before, p);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = child(write_behind, p);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	locked_unmap(p, N);
	locked_unmap(NULL, N);
}

/* What the kernel says counts, not what mlock returned. */
static void test_verified(void **state)
{
	uint8_t *p = locked_map(N, NULL), *q = locked_map(N, NULL);

	(void)state;
	assert_true(verified(p) && verified(q));
	assert_int_equal(syscall(SYS_munlock, p + PAGE, PAGE), 0);
	assert_false(verified(p));
	assert_int_equal(locked_relock(p, N, NULL), 0);
	assert_true(verified(p));
	assert_int_equal(madvise(p, PAGE, MADV_DODUMP), 0);
	assert_false(verified(p));
	assert_true(verified(q));
	locked_unmap(p, N);
	locked_unmap(q, N);
}

static void lock_again(uint8_t *p)
{
	if (verified(p))
		_exit(1);
	if (locked_relock(p, N, NULL) != 0 || !verified(p))
		_exit(2);
}

static void test_again_in_a_child(void **state)
{
	uint8_t *p = locked_map(N, NULL);

	(void)state;
	assert_non_null(p);
	assert_int_equal(child(lock_again, p), 0);
	locked_unmap(p, N);
}

static void find_no_room(uint8_t *p)
{
	struct rlimit none = { 2 * PAGE, 2 * PAGE };
	struct failure f = { 0 };

	(void)p;
	/* root may lock more than its limit */
	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
	    (getuid() == 0 && setresuid(65534, 65534, 65534) != 0))
		_exit(1);
	if (locked_map(N, &f) || f.code != FAIL_NOT_LOCKED_MEM || !strstr(f.hint, "RLIMIT_MEMLOCK"))
		_exit(2);
}

static void test_no_room(void **state)
{
	(void)state;
	assert_int_equal(child(find_no_room, NULL), 0);
	assert_null(locked_map(0, NULL));
	assert_null(locked_map(SIZE_MAX, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_verified),
		cmocka_unit_test(test_again_in_a_child),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
