/*
 * broker/relay_keeper.c - a process that starts ccrun-relay for the broker.
 */
#include "broker/relay_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/sock.h"
#include "base/spawn.h"

#define ANSWER_MS 2000 /* the broker serves nobody while it waits */

/* Where systemd listens for the system broker (share/systemd/system/ccrun-relay.socket). */
#define SYSTEM_RELAY_DIR "/run/ccrun-relay"
#define SYSTEM_RELAY_SOCKET SYSTEM_RELAY_DIR "/start.sock"

static const char not_installed[] = "make install puts ccrun-relay into libexec/ccrun";

static int to_keeper = -1;

/* ---- the keeper ---- */

/* A new relay's channel, or -1 with errno. */
static int execute_relay(const char *path)
{
	static const char *const argv[] = { "ccrun-relay", NULL };
	static char *const no_environment[] = { NULL };
	struct spawn s = { .path = path,
			   .argv = argv,
			   .env = no_environment,
			   .dir = "/",
			   .close_others = true,
			   .all_defaults = true,
			   .unblocked = true };
	int pair[2], r, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	for (i = 0; i <= STDERR_FILENO; i++)
		s.fd[s.fds++] = (struct spawn_fd){ i, SPAWN_NULL };
	s.fd[s.fds++] = (struct spawn_fd){ 3, pair[1] };
	r = spawn_detached(&s, false);
	close(pair[1]);
	if (r == 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

/*
 * The same from systemd.  Only root may make that directory, and only root may replace
 * the socket in it: another process there would be handed keys.
 */
static int connect_to_service(void)
{
	struct stat st;

	if (lstat(SYSTEM_RELAY_DIR, &st) != 0)
		return -1;
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022)) {
		errno = EPERM;
		return -1;
	}
	return sock_connect_within(SYSTEM_RELAY_SOCKET, ANSWER_MS / 2, NULL);
}

/* Answer each request, a byte, with errno (0 for none) and the channel. */
static void __attribute__((noreturn)) run_keeper(int fd, const char *path)
{
	struct iovec answer;
	int32_t error;
	char request;
	int channel;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(1);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, 4u, ~0u, 0u);
	answer = (struct iovec){ &error, sizeof(error) };
	while (recv(3, &request, 1, 0) == 1) {
		channel = path ? execute_relay(path) : connect_to_service();
		error = channel < 0 ? errno : 0;
		if (sock_send(3, &answer, 1, channel) != 0)
			break;
		if (channel >= 0)
			close(channel);
	}
	_exit(0);
}

/* ---- the broker ---- */

int relay_keeper_start(bool system, struct failure *f)
{
	static char path[PATH_SIZE];
	int pair[2];
	pid_t pid;

	if (!system &&
	    (path_installed("libexec/ccrun/ccrun-relay", path, f) != 0 || access(path, X_OK) != 0))
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(f, NULL, "cannot make a socket pair");
	pid = fork();
	if (pid < 0)
		return fail_errno(f, NULL, "cannot fork");
	if (pid == 0)
		run_keeper(pair[1], system ? NULL : path);
	close(pair[1]);
	to_keeper = pair[0];
	return 0;
}

int relay_keeper_start_relay(struct failure *f)
{
	struct pollfd p = { .fd = to_keeper, .events = POLLIN };
	struct iovec request = { (char[]){ 1 }, 1 };
	struct sock_control beside = { .fd = -1, .pidfd = -1 };
	int32_t error = 0;

	if (to_keeper < 0)
		return fail_set(f, FAIL_NO_ENTRY, not_installed, "ccrun-relay is not installed");
	if (sock_send_nonblock(to_keeper, &request, 1) != 0 || poll(&p, 1, ANSWER_MS) != 1 ||
	    sock_recv(to_keeper, &error, sizeof(error), MSG_DONTWAIT, &beside) !=
		    (ssize_t)sizeof(error)) {
		/* Ask no more: a late answer would be taken for the next request's. */
		close(to_keeper);
		to_keeper = -1;
		return fail_set(f, FAIL_SYSTEM, "ccctl lock and start the broker again",
				"the process that starts relays is gone");
	}
	if (beside.fd < 0) {
		errno = error;
		return error == ENOENT || error == ECONNREFUSED
			       ? fail_set(f, FAIL_NO_ENTRY,
					  "systemctl enable --now ccrun-relay.socket",
					  "the relay's service is not there (" SYSTEM_RELAY_SOCKET
					  ")")
			       : fail_errno(f, NULL, "cannot start ccrun-relay");
	}
	fcntl(beside.fd, F_SETFL, O_NONBLOCK);
	return beside.fd;
}
