/*
 * tests/dial/test_broker_check.c - which process a client takes for its broker.
 *
 * The sockets here are made without SO_PASSPIDFD, as they all are before Linux 6.5, but where a test
 * sets it: then an answer says a PID alone, which may be another process's by the time of the look.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fail.h"
#include "dial/dial.h"
#include "wire/limits.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static const uint8_t yes[] = { 0x82, 0xa1, 'v', 1, 0xa2, 'o', 'k', 0xc3 }; /* {v: 1, ok: true} */

struct world {
	struct dial d;
	struct failure f;
	pid_t broker;
	int theirs;
	int asked[2]; /* a byte for each request that the broker got */
};

static uint8_t reply[WIRE_PACKET_MAX];
static struct world world;

static void answer(int fd)
{
	if (send(fd, yes, sizeof(yes), MSG_NOSIGNAL) != (ssize_t)sizeof(yes))
		_exit(1);
}

/* The next request.  Ends with the connection. */
static void request(struct world *w)
{
	char packet[WIRE_PACKET_MAX];

	if (recv(w->theirs, packet, sizeof(packet), 0) <= 0 || write(w->asked[1], "", 1) != 1)
		_exit(0);
}

static bool has_pidfd_open(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0u);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != ENOSYS;
}

/* play: what the process at the other end does, which nobody can look into. */
static void begin(struct world *w, bool names_senders, void (*play)(struct world *w))
{
	int pair[2], one = 1;

	if (geteuid() == 0)
		skip(); /* root's files in /proc are root's in any case */
	memset(w, 0, sizeof(*w));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)), 0);
	if (names_senders && setsockopt(pair[0], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one)) != 0)
		skip();
	if (!names_senders && !has_pidfd_open())
		skip(); /* in valgrind 3.19, say */
	assert_int_equal(pipe(w->asked), 0);
	w->theirs = pair[1];
	w->d = (struct dial){ .fd = pair[0],
			      .owner = geteuid(),
			      .deadline = clock_now_ms() + 10000,
			      .buf = reply,
			      .size = sizeof(reply) };
	w->broker = fork();
	assert_true(w->broker >= 0);
	if (w->broker == 0) {
		close(pair[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_DUMPABLE, 0);
		play(w);
		for (;;)
			pause();
	}
}

static void end(struct world *w)
{
	if (w->broker > 0) {
		kill(w->broker, SIGKILL);
		waitpid(w->broker, NULL, 0);
	}
	dial_close(&w->d);
	close(w->theirs);
	close(w->asked[0]);
	close(w->asked[1]);
}

static int call(struct world *w)
{
	return dial_call(&w->d, wire_request("get"), NULL, &w->f);
}

/* How many requests came. */
static int asked(struct world *w)
{
	char some[64];

	return (int)read(w->asked[0], some, sizeof(some));
}

static void plays_broker(struct world *w)
{
	for (;;) {
		request(w);
		answer(w->theirs);
	}
}

static void test_a_broker(void **state)
{
	(void)state;
	begin(&world, false, plays_broker);
	assert_int_equal(call(&world), 0);
	assert_int_equal(asked(&world), 3);
	assert_int_equal(world.d.broker, world.broker);
	/* Once is enough. */
	assert_int_equal(call(&world), 0);
	assert_int_equal(asked(&world), 1);
	end(&world);
}

static void test_a_broker_that_the_kernel_names(void **state)
{
	(void)state;
	begin(&world, true, plays_broker);
	assert_int_equal(call(&world), 0);
	assert_int_equal(asked(&world), 1);
	end(&world);
}

/* As one does whose PID another process is to have by the time of the look. */
static void plays_ahead(struct world *w)
{
	answer(w->theirs);
	answer(w->theirs);
	if (write(w->asked[1], "", 1) != 1)
		_exit(1);
	request(w);
}

static void test_an_answer_from_before_the_look(void **state)
{
	(void)state;
	begin(&world, false, plays_ahead);
	assert_int_equal(asked(&world), 1);
	assert_int_equal(call(&world), -1);
	assert_int_equal(world.f.code, FAIL_PEER);
	assert_int_equal(asked(&world), 1);
	end(&world);
}

static void plays_with_a_child(struct world *w)
{
	request(w);
	answer(w->theirs);
	request(w);
	if (fork() == 0) {
		answer(w->theirs);
		_exit(0);
	}
}

static void test_another_one_answers_after_the_look(void **state)
{
	(void)state;
	begin(&world, false, plays_with_a_child);
	assert_int_equal(call(&world), -1);
	assert_int_equal(world.f.code, FAIL_PEER);
	assert_int_equal(asked(&world), 2);
	end(&world);
}

static void plays_and_ends(struct world *w)
{
	answer(w->theirs);
	_exit(0);
}

/* Reaped, so that its PID is free. */
static void has_ended(struct world *w)
{
	waitpid(w->broker, NULL, 0);
	w->broker = 0;
	assert_int_equal(call(w), -1);
	assert_int_equal(w->f.code, FAIL_PEER);
	end(w);
}

static void test_one_that_has_ended(void **state)
{
	(void)state;
	begin(&world, false, plays_and_ends);
	has_ended(&world);
}

static void test_one_that_has_ended_and_that_the_kernel_names(void **state)
{
	(void)state;
	begin(&world, true, plays_and_ends);
	has_ended(&world);
}

static void plays_and_closes(struct world *w)
{
	request(w);
	close(w->theirs);
}

/* None could be reached in its place; the number of the closed descriptor may be another's by then. */
static void test_one_that_closed_and_has_no_next(void **state)
{
	char dir[] = "/tmp/broker-check-XXXXXX", leaf[64];

	(void)state;
	begin(&world, true, plays_and_closes);
	close(world.theirs);
	world.theirs = -1;
	assert_non_null(mkdtemp(dir));
	snprintf(leaf, sizeof(leaf), "%s/ccrun", dir);
	assert_int_equal(mkdir(leaf, 0700), 0);
	/* Open to others. */
	assert_int_equal(chmod(leaf, 0777), 0);
	assert_int_equal(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
	world.d.deadline = 0;
	world.d.start = true;
	assert_int_equal(call(&world), -1);
	assert_int_equal(world.f.code, FAIL_UNSAFE_PATH);
	assert_int_equal(world.d.fd, -1);
	rmdir(leaf);
	rmdir(dir);
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_broker),
		cmocka_unit_test(test_a_broker_that_the_kernel_names),
		cmocka_unit_test(test_an_answer_from_before_the_look),
		cmocka_unit_test(test_another_one_answers_after_the_look),
		cmocka_unit_test(test_one_that_has_ended),
		cmocka_unit_test(test_one_that_has_ended_and_that_the_kernel_names),
		cmocka_unit_test(test_one_that_closed_and_has_no_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
