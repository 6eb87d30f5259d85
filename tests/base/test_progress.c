/*
 * tests/base/test_progress.c - who waits is told once, after a second, on a terminal alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/progress.h"

#define LINE "ccctl: counting ..."

static volatile sig_atomic_t signals;

static void note_signal(int number)
{
	(void)number;
	signals++;
}

/* Until the line was written to the other end: a test waits for it, not for a time. */
static void wait_for_line(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n + 1 < size && !memchr(out, '\n', n) && (r = read(fd, out + n, size - n - 1)) > 0)
		n += (size_t)r;
	out[n] = '\0';
}

/* What the far end has when the near one is closed; a terminal's last reader gets an error. */
static size_t read_rest(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while (n + 1 < size && (r = read(fd, out + n, size - n - 1)) > 0)
		n += (size_t)r;
	out[n] = '\0';
	return n;
}

static void stderr_put(int fd, int *saved)
{
	*saved = dup(STDERR_FILENO);
	assert_true(*saved >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

static void stderr_restore(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void test_one_line_on_a_terminal(void **state)
{
	char text[256] = "";
	struct progress p;
	int far, near, saved;

	(void)state;
	assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
	stderr_put(near, &saved);
	progress_begin(&p, "ccctl", "counting");
	wait_for_line(far, text, sizeof(text));
	progress_end(&p);
	stderr_restore(saved);
	assert_non_null(strstr(text, LINE));
	assert_int_equal(read_rest(far, text, sizeof(text)), 0);
	close(far);
}

static void test_what_is_quick_says_nothing(void **state)
{
	char text[256];
	struct progress p;
	int far, near, saved, i;

	(void)state;
	assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
	stderr_put(near, &saved);
	for (i = 0; i < 100; i++) {
		progress_begin(&p, "ccctl", "counting");
		progress_end(&p);
	}
	progress_end(&p);
	stderr_restore(saved);
	assert_int_equal(read_rest(far, text, sizeof(text)), 0);
	close(far);
}

/* Not even a thread is made. */
static void test_nothing_where_no_terminal_is(void **state)
{
	struct progress p;
	int pair[2], saved;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	stderr_put(pair[1], &saved);
	progress_begin(&p, "ccctl", "counting");
	assert_false(p.runs);
	progress_end(&p);
	stderr_restore(saved);
	close(pair[0]);
}

/* The handler of a signal to the process runs in the thread that has always had it. */
static void test_signals_stay_the_callers(void **state)
{
	struct sigaction sa = { .sa_handler = note_signal }, was;
	struct progress p;
	int far, near, saved;
	sigset_t one, old;

	(void)state;
	signals = 0;
	sigaction(SIGUSR1, &sa, &was);
	assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
	stderr_put(near, &saved);
	progress_begin(&p, "ccctl", "counting");
	/* Nobody else may take it. */
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &one, &old);
	kill(getpid(), SIGUSR1);
	progress_end(&p);
	stderr_restore(saved);
	assert_int_equal(signals, 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(signals, 1);
	sigaction(SIGUSR1, &was, NULL);
	close(far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line_on_a_terminal),
		cmocka_unit_test(test_what_is_quick_says_nothing),
		cmocka_unit_test(test_nothing_where_no_terminal_is),
		cmocka_unit_test(test_signals_stay_the_callers),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
