/*
 * tests/broker/test_peer.c - who is at the other end of a connection: as long as it lives, on
 * kernels that tell less about it, and where no descriptor is left to tell it by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "broker/peer.h"
#include "sandbox/seccomp_filter.h"
#include "tests/base/base_fixture.h"
#include "tests/sandbox/confined_child.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Debian 12's headers lack it */
#endif

static struct failure f;

/* A process that has connected, on the terminal of that master if there is one; *fd: our end. */
static pid_t start_on(const char *terminal, int master, int *fd)
{
	const char *path = in_dir("sock");
	struct pollfd p = { .events = POLLIN };
	pid_t pid;

	p.fd = sock_listen(path, 0600, 8, &f);
	assert_true(p.fd >= 0);
	pid = fork();
	if (pid == 0) {
		/* The last one that has the master ends the terminal. */
		if (terminal && (signal(SIGHUP, SIG_IGN) == SIG_ERR || setsid() < 0 ||
				 open(terminal, O_RDWR) < 0 || close(master) != 0))
			_exit(1);
		if (sock_connect(path, NULL) >= 0)
			pause();
		_exit(1);
	}
	assert_int_equal(poll(&p, 1, -1), 1);
	*fd = sock_accept(p.fd);
	assert_true(*fd >= 0);
	close(p.fd);
	unlink(path);
	return pid;
}

static pid_t start_connected(int *fd)
{
	return start_on(NULL, -1, fd);
}

/* It has ended, and nobody asked how. */
static void end_unreaped(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static enum fail_code alive(const struct peer *p)
{
	f.code = FAIL_NONE;
	return peer_check_alive(p, &f) == 0 ? FAIL_NONE : f.code;
}

static void test_lives_and_ends(void **state)
{
	struct peer p;
	int fd, pidfd;
	pid_t pid;

	(void)state;
	pid = start_connected(&fd);
	/* What an earlier call left in errno says nothing of this one. */
	errno = EMFILE;
	assert_int_equal(peer_identify(&p, fd, &f), 0);
	assert_int_equal(p.pid, pid);
	assert_int_equal(p.uid, getuid());
	assert_int_equal(alive(&p), FAIL_NONE);
	end_unreaped(pid);
	assert_int_equal(alive(&p), FAIL_PEER);
	pidfd = p.pidfd;
	peer_release(&p);
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(fcntl(pidfd, F_GETFD), -1);
	/* By what /proc says, as of a process that nobody reaped and of none. */
	assert_int_equal(alive(&p), FAIL_PEER);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(alive(&p), FAIL_PEER);
	close(fd);
}

/* The pid is another process's by now. */
static void test_another_of_that_pid(void **state)
{
	struct peer p, here;
	struct proc_stat st;
	pid_t pid;
	int fd;

	(void)state;
	pid = start_connected(&fd);
	assert_int_equal(peer_identify(&p, fd, &f), 0);
	assert_true(p.pidfd >= 0);
	/* A descriptor of the process that connected says so itself; one that was opened by pid,
	 * or none, does not. */
	p.exact = false;
	assert_int_equal(alive(&p), FAIL_NONE);
	p.start++;
	assert_int_equal(alive(&p), FAIL_PEER);
	p.exact = true;
	assert_int_equal(alive(&p), FAIL_NONE);
	end_unreaped(pid);
	assert_int_equal(alive(&p), FAIL_PEER);
	/* This one lives, but is not what the descriptor is of. */
	assert_int_equal(proc_stat(getpid(), &st), 0);
	here = (struct peer){ .pid = getpid(), .pidfd = p.pidfd, .start = st.start };
	assert_int_equal(alive(&here), FAIL_PEER);
	peer_release(&here);
	assert_int_equal(alive(&here), FAIL_NONE);
	here.exact = true;
	here.start++;
	assert_int_equal(alive(&here), FAIL_PEER);
	waitpid(pid, NULL, 0);
	close(fd);
}

static void stop(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void go_on(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(waitpid(pid, &status, WCONTINUED), pid);
	assert_true(WIFCONTINUED(status));
}

static void test_terminal(void **state)
{
	int fd, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct peer p, other;
	pid_t pid;

	(void)state;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	pid = start_on(ptsname(master), master, &fd);
	assert_int_equal(peer_identify(&p, fd, &f), 0);
	assert_int_not_equal(p.tty, 0);
	assert_int_equal(peer_see_terminal(&p), PEER_FOREGROUND);
	stop(pid); /* as by Ctrl-Z */
	assert_int_equal(peer_see_terminal(&p), PEER_FOREGROUND);
	go_on(pid);
	close(master);
	assert_int_equal(peer_see_terminal(&p), PEER_TERMINAL_GONE);
	stop(pid);
	assert_int_equal(peer_see_terminal(&p), PEER_HELD);
	other = p;
	other.start++;
	assert_int_equal(peer_see_terminal(&other), PEER_NO_TERMINAL);
	other = p;
	other.tty = 0; /* it never had one */
	assert_int_equal(peer_see_terminal(&other), PEER_NO_TERMINAL);
	other = p;
	other.sid++; /* it left that by itself */
	assert_int_equal(peer_see_terminal(&other), PEER_HELD);
	go_on(pid);
	assert_int_equal(peer_see_terminal(&other), PEER_NO_TERMINAL);
	assert_int_equal(peer_see_terminal(&p), PEER_TERMINAL_GONE);
	assert_int_equal(ptrace(PTRACE_ATTACH, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(peer_see_terminal(&p), PEER_HELD);
	end_unreaped(pid);
	assert_int_equal(peer_see_terminal(&p), PEER_NO_TERMINAL);
	waitpid(pid, NULL, 0);
	assert_int_equal(peer_see_terminal(&p), PEER_NO_TERMINAL);
	peer_release(&p);
	close(fd);
}

static void test_hangup_is_ignored(void **state)
{
	struct peer p = { .pid = getpid(), .pidfd = -1 };

	(void)state;
	assert_false(peer_ignores_hangup(&p));
	signal(SIGINT, SIG_IGN);
	assert_false(peer_ignores_hangup(&p));
	signal(SIGHUP, SIG_IGN);
	assert_true(peer_ignores_hangup(&p));
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	assert_false(peer_ignores_hangup(&p));
	p.pid = 0x7ffffff0; /* it cannot be told */
	assert_true(peer_ignores_hangup(&p));
}

/* ---- what the kernel answers, and who is told from it ---- */

static int connection; /* of a process that lives */
static struct peer told;

/* The answers to SO_PEERPIDFD and pidfd_open; 0: the kernel's own. */
static int answers(uint16_t option, uint16_t by_pid)
{
	const struct seccomp_rule rules[] = {
		SECCOMP_CALL_IF(getsockopt, SCMP_ACT_ERRNO(option), 2, ~0u, SO_PEERPIDFD),
		SECCOMP_CALL(pidfd_open, SCMP_ACT_ERRNO(by_pid)),
	};

	return seccomp_filter_enter(SCMP_ACT_ALLOW, rules, by_pid ? 2 : 1, NULL);
}

static bool has_ended(void)
{
	return peer_identify(&told, connection, &f) != 0 && f.code == FAIL_PEER &&
	       strstr(f.what, "has ended") && told.pidfd == -1;
}

/* Before Linux 6.5. */
static int opened_by_pid(void)
{
	if (answers(ENOPROTOOPT, 0) != 0 || peer_identify(&told, connection, &f) != 0)
		return 1;
	if (told.exact || told.pidfd < 0 || alive(&told) != FAIL_NONE)
		return 2;
	/* The start time alone is what tells then. */
	told.start++;
	return alive(&told) == FAIL_PEER ? 0 : 3;
}

/* Where there are none at all. */
static int no_pidfds(void)
{
	if (answers(ENOPROTOOPT, ENOSYS) != 0 || peer_identify(&told, connection, &f) != 0)
		return 1;
	return told.pidfd == -1 && !told.exact && alive(&told) == FAIL_NONE ? 0 : 2;
}

static int ended_by_pid(void)
{
	return answers(ENOPROTOOPT, ESRCH) == 0 && has_ended() ? 0 : 1;
}

static int ended_by_option(void)
{
	return answers(ESRCH, 0) == 0 && has_ended() ? 0 : 1;
}

/* Nothing is made of an answer that the kernel does not give. */
static int odd_answer(void)
{
	return answers(ENOSYS, 0) == 0 && has_ended() ? 0 : 1;
}

/* Whether it lives cannot be told then: it may come again. */
static int no_descriptor(void)
{
	int lowest = dup(connection);
	struct rlimit limit = { (rlim_t)lowest, (rlim_t)lowest };

	close(lowest);
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1;
	if (peer_identify(&told, connection, &f) == 0 || f.code != FAIL_SYSTEM)
		return 2;
	return strstr(f.hint, "try again") && told.pidfd == -1 ? 0 : 3;
}

static void test_what_the_kernel_answers(void **state)
{
	static int (*const cases[])(void) = { opened_by_pid,   no_pidfds,  ended_by_pid,
					      ended_by_option, odd_answer, no_descriptor };
	pid_t pid = start_connected(&connection);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_done(cases[i]);
	end_outside(pid);
	close(connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives_and_ends),
		cmocka_unit_test(test_another_of_that_pid),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_hangup_is_ignored),
		cmocka_unit_test(test_what_the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
