/*
 * broker/attendant.c - a process beside the broker that does what its sandbox forbids.
 */
#include "broker/attendant.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"

/* The two descriptors, by whatever numbers they come. */
static int move_descriptors(int fd, int keep)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, ATTENDANT_FD + 2), kept = -1;

	if (keep >= 0)
		kept = fcntl(keep, F_DUPFD_CLOEXEC, ATTENDANT_FD + 2);
	if (high < 0 || (keep >= 0 && kept < 0) || dup3(high, ATTENDANT_FD, O_CLOEXEC) < 0 ||
	    (keep >= 0 && dup3(kept, ATTENDANT_FD + 1, O_CLOEXEC) < 0))
		return -1;
	syscall(SYS_close_range, ATTENDANT_FD + (keep >= 0 ? 2u : 1u), ~0u, 0u);
	return 0;
}

/* Of the broker or of the parent.  A broker in its sandbox may not signal what is outside,
 * and then the kernel does not for it: the end of ATTENDANT_FD says it too. */
static void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/* Start it again after a signal, as long as there is a broker.  A request that it had is lost,
 * which the broker sees by the time; one that it could not serve does not come again. */
static void __attribute__((noreturn)) attend(const struct attendant *a, pid_t broker)
{
	pid_t self = getpid(), pid;
	int status;

	do {
		pid = fork();
		if (pid < 0)
			_exit(1);
		if (pid == 0) {
			end_with(self);
			a->serve(a->data);
			_exit(0);
		}
		while (waitpid(pid, &status, 0) < 0)
			if (errno != EINTR)
				_exit(1);
	} while (WIFSIGNALED(status) && getppid() == broker);
	_exit(WIFSIGNALED(status) ? 1 : WEXITSTATUS(status));
}

int attendant_start(const struct attendant *a, struct failure *f)
{
	pid_t self = getpid(), pid;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "cannot make a socket pair");
	pid = fork();
	if (pid < 0) {
		fail_errno(f, NULL, "cannot fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (pid == 0) {
		end_with(self);
		prctl(PR_SET_NAME, a->name);
		if (move_descriptors(pair[1], a->keep) != 0 || (a->enter && a->enter(a->data) != 0))
			_exit(1);
		attend(a, self);
	}
	close(pair[1]);
	return pair[0];
}
