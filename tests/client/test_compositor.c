/*
 * tests/client/test_compositor.c - who listens as the compositor, also where that has ended and
 * its PID is another process's.  The PID that the kernel tells is played: to have it taken again
 * would need as many processes as there are PIDs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/sock.h"
#include "client/common/compositor.h"

static pid_t told;	/* what the kernel says, or 0: what it really says */
static bool old_kernel; /* without SO_PEERPIDFD */
static int listener = -1;
static char dir[] = "/tmp/ccrun-test-XXXXXX";

int __real_sock_peer(int fd, pid_t *pid, uid_t *uid);
int __wrap_sock_peer(int fd, pid_t *pid, uid_t *uid);
int __real_sock_peer_pidfd(int fd, pid_t pid, bool *exact);
int __wrap_sock_peer_pidfd(int fd, pid_t pid, bool *exact);

int __wrap_sock_peer(int fd, pid_t *pid, uid_t *uid)
{
	int r = __real_sock_peer(fd, pid, uid);

	if (told)
		*pid = told;
	return r;
}

int __wrap_sock_peer_pidfd(int fd, pid_t pid, bool *exact)
{
	if (!old_kernel)
		return __real_sock_peer_pidfd(fd, pid, exact);
	*exact = false;
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* A child that does one thing, then waits, and ends with this process. */
static pid_t child(void (*does)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		does();
		(void)!write(ready[1], "d", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void listens(void)
{
	if (listen(listener, 8) != 0)
		_exit(1);
}

/* As what a session left behind. */
static void listens_marked(void)
{
	const struct rlimit mark = { 4096, 4096 };

	if (setrlimit(RLIMIT_LOCKS, &mark) != 0)
		_exit(1);
	listens();
}

/* Another process of the user's, that has no socket. */
static void has_none(void)
{
	close(listener);
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int start(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	(void)state;
	told = 0;
	old_kernel = false;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/wayland-7", dir);
	unlink(sa.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return listener < 0 || bind(listener, (struct sockaddr *)&sa, sizeof(sa));
}

static int stop(void **state)
{
	(void)state;
	return close(listener);
}

/* Is a window opened there? */
static bool connects(struct failure *f)
{
	char path[COMPOSITOR_PATH];
	int fd = -1, r = compositor_connect(path, &fd, f);

	assert_int_equal(r == 0, fd >= 0);
	if (fd >= 0)
		close(fd);
	return r == 0;
}

static void test_who_listens(void **state)
{
	struct failure f;
	pid_t pid;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		old_kernel = i;
		pid = child(listens);
		assert_true(connects(&f));
		end(pid);
		pid = child(listens_marked);
		assert_false(connects(&f));
		assert_non_null(strstr(f.what, "descends from a session"));
		end(pid);
	}
}

/* The socket lives on in this process, which stands for a session's. */
static void test_who_listened_has_ended(void **state)
{
	struct failure f;
	pid_t other;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		old_kernel = i;
		end(child(listens_marked));
		told = 0;
		assert_false(connects(&f));
		other = child(has_none);
		told = other;
		assert_false(connects(&f));
		assert_non_null(strstr(f.what, "cannot be looked at"));
		assert_non_null(strstr(f.hint, "pinentry = no"));
		end(other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who_listens, start, stop),
		cmocka_unit_test_setup_teardown(test_who_listened_has_ended, start, stop),
	};
	char path[COMPOSITOR_PATH];
	int r;

	if (!mkdtemp(dir) || setenv("XDG_RUNTIME_DIR", dir, 1) != 0 ||
	    setenv("WAYLAND_DISPLAY", "wayland-7", 1) != 0)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/wayland-7", dir);
	unlink(path);
	rmdir(dir);
	return r;
}
