/*
 * tests/sandbox/confined_child.h - a child that confines itself, tries what it must not be able
 * to do and tells how that went; and what it tries it on.  Included behind cmocka.h.
 */
#ifndef TESTS_SANDBOX_CONFINED_CHILD_H
#define TESTS_SANDBOX_CONFINED_CHILD_H

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "sandbox/landlock.h"

/* Valgrind knows neither Landlock nor all calls that are tried; the sanitizers' build and the
 * other distribution's run these tests. */
static inline void skip_without_landlock(void)
{
	if (landlock_abi() < 1)
		skip();
}

/* The status of a child that runs it. */
static inline int child_status(int (*run_it)(void))
{
	int status;
	pid_t pid;

	skip_without_landlock();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run_it());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* It returns 0; else the number of what is not as it should be. */
static inline void expect_done(int (*run_it)(void))
{
	int status = child_status(run_it);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline void expect_signal(int (*run_it)(void), int sig)
{
	int status = child_status(run_it);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

static inline void put_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

/* A listening TCP socket on a port that the kernel chose. */
static inline int listen_on(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

/* A process outside, until it is killed. */
static inline pid_t start_outside(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static inline void end_outside(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
