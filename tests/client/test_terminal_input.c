/*
 * tests/client/test_terminal_input.c - a line of a terminal by the thread that waits for it, and
 * the thread's end at any moment.  ThreadSanitizer runs it, too (make tsan).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <unistd.h>

#include "base/fail.h"
#include "client/common/terminal_input.h"

static int far, near;
static struct termios modes;

static int open_terminal(void **state)
{
	(void)state;
	assert_int_equal(openpty(&far, &near, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(near, &modes), 0);
	modes.c_lflag &= ~(tcflag_t)ECHO;
	assert_int_equal(tcsetattr(near, TCSANOW, &modes), 0);
	return 0;
}

static int close_terminal(void **state)
{
	(void)state;
	close(far);
	close(near);
	return 0;
}

static struct terminal_input *begin(void)
{
	struct failure f = { 0 };
	struct terminal_input *in = terminal_input_begin(near, &modes, &f);

	assert_non_null(in);
	return in;
}

static void type(const char *text, size_t n)
{
	assert_int_equal(write(far, text, n), (ssize_t)n);
}

static void wait_for_end(struct terminal_input *in)
{
	struct pollfd p = { .fd = terminal_input_fd(in), .events = POLLIN };

	assert_int_equal(poll(&p, 1, -1), 1);
}

static void assert_taken(struct terminal_input *in, const char *text)
{
	uint8_t byte;

	for (; *text; text++) {
		assert_int_equal(terminal_input_take(in, &byte), 1);
		assert_int_equal(byte, *text);
	}
	assert_int_equal(terminal_input_take(in, &byte), 0);
}

static void test_line(void **state)
{
	struct terminal_input *in = begin();
	uint8_t byte;

	(void)state;
	assert_int_equal(terminal_input_take(in, &byte), -1);
	assert_int_equal(errno, EAGAIN);
	type("a secret\n", 9);
	wait_for_end(in);
	assert_taken(in, "a secret\n");
	assert_false(terminal_input_was_cut(in));
	terminal_input_end(in);
}

/* What nobody took goes with it. */
static void test_ends_at_any_moment(void **state)
{
	static const char *const typed[] = { "", "half", "a line\n", "two\nlines\n" };
	struct terminal_input *in;
	unsigned i;

	(void)state;
	for (i = 0; i < 8; i++) {
		in = begin();
		type(typed[i % 4], strlen(typed[i % 4]));
		if (i >= 4 && strchr(typed[i % 4], '\n'))
			wait_for_end(in);
		terminal_input_end(in);
		tcflush(near, TCIFLUSH);
	}
	terminal_input_end(NULL);
}

static void test_by_bytes(void **state)
{
	struct terminal_input *in;

	(void)state;
	modes.c_lflag &= ~(tcflag_t)ICANON;
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	assert_int_equal(tcsetattr(near, TCSANOW, &modes), 0);
	in = begin();
	type("sec", 3);
	type("ret\n", 4);
	wait_for_end(in);
	assert_taken(in, "secret\n");
	terminal_input_end(in);
}

static void test_line_that_is_too_long(void **state)
{
	static char text[TERMINAL_LINE_MAX + 200];
	struct terminal_input *in = begin();

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	type(text, sizeof(text));
	wait_for_end(in);
	assert_true(terminal_input_was_cut(in));
	terminal_input_end(in);
}

/* Of another process: who sends it may have waited behind us. */
static void test_signal_that_is_not_ours(void **state)
{
	struct terminal_input *in = begin();
	sigset_t one, old;
	uint8_t byte;

	(void)state;
	/* Nobody but the thread may take it. */
	sigemptyset(&one);
	sigaddset(&one, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &one, &old);
	kill(getpid(), SIGALRM);
	wait_for_end(in);
	assert_int_equal(terminal_input_take(in, &byte), -1);
	assert_int_equal(errno, ECANCELED);
	terminal_input_end(in);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_terminal, close_terminal)
	const struct CMUnitTest tests[] = {
		T(test_line),
		T(test_ends_at_any_moment),
		T(test_by_bytes),
		T(test_line_that_is_too_long),
		T(test_signal_that_is_not_ours),
	};

	return cmocka_run_group_tests_name("terminal input", tests, NULL, NULL);
}
