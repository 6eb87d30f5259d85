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
#include "base/io.h"
#include "base/paths.h"
#include "base/sock.h"
#include "base/spawn.h"

#define ANSWER_MS 2000 /* the broker serves nobody while it waits */

/* Where systemd listens for the system broker (share/systemd/system/ccrun-relay.socket). */
#define SYSTEM_RELAY_DIR "/run/ccrun-relay"
#define SYSTEM_RELAY_SOCKET SYSTEM_RELAY_DIR "/start.sock"

/* A request has a number: what came too late for one is not taken for the next one's
 * answer. */
struct keeper_request {
	uint32_t number;
	enum { KEEPER_CHECK, KEEPER_START } what;
};

struct keeper_answer {
	uint32_t number;
	int32_t error; /* errno, or 0: to KEEPER_START the channel comes beside it */
};

static int to_keeper = -1;
static bool keeper_started, for_system;

/* ---- the keeper ---- */

/* A pair of sockets for a relay that can be executed.  0, or -1 with errno. */
static int make_channel(const char *path, int pair[2])
{
	return access(path, X_OK) != 0
		       ? -1
		       : socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

/* If it cannot be started, the broker sees its channel end. */
static void execute_relay(const char *path, int channel)
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
	int i;

	for (i = 0; i <= STDERR_FILENO; i++)
		s.fd[s.fds++] = (struct spawn_fd){ i, SPAWN_NULL };
	s.fd[s.fds++] = (struct spawn_fd){ 3, channel };
	spawn_detached(&s, false);
	close(channel);
}

/*
 * Is the relays' service there, and root's?  Only root may make that directory, and only
 * root may put a socket into it: another process there would be handed keys.  0, or -1
 * with errno.
 */
static int check_service(void)
{
	struct stat st;

	if (lstat(SYSTEM_RELAY_DIR, &st) != 0)
		return -1;
	if (S_ISDIR(st.st_mode) && st.st_uid == 0 && !(st.st_mode & 022)) {
		if (lstat(SYSTEM_RELAY_SOCKET, &st) != 0)
			return -1;
		if (S_ISSOCK(st.st_mode))
			return 0;
	}
	errno = EPERM;
	return -1;
}

/* A relay that systemd starts: its channel, or -1 with errno.  The kernel says who listens:
 * root. */
static int connect_to_service(void)
{
	pid_t pid;
	uid_t uid;
	int fd;

	if (check_service() != 0)
		return -1;
	fd = sock_connect_within(SYSTEM_RELAY_SOCKET, ANSWER_MS / 2, NULL);
	if (fd < 0)
		return -1;
	if (sock_peer(fd, &pid, &uid) == 0 && uid == 0)
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static void __attribute__((noreturn)) run_keeper(int fd, const char *path)
{
	struct keeper_request request;
	struct keeper_answer answer;
	struct iovec iov = { &answer, sizeof(answer) };
	int pair[2], r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd != 3 && dup2(fd, 3) < 0)
		_exit(1);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, 4u, ~0u, 0u);
	while (recv(3, &request, sizeof(request), 0) == sizeof(request)) {
		pair[0] = pair[1] = -1;
		if (request.what != KEEPER_START)
			r = path ? access(path, X_OK) : check_service();
		else if (path)
			r = make_channel(path, pair);
		else
			r = pair[0] = connect_to_service();
		answer.number = request.number;
		answer.error = r < 0 ? errno : 0;
		if (sock_send(3, &iov, 1, pair[0]) != 0)
			break;
		if (pair[0] >= 0)
			close(pair[0]);
		/* Behind the answer: the broker and its client wait for no exec. */
		if (pair[1] >= 0)
			execute_relay(path, pair[1]);
	}
	_exit(0);
}

/* ---- the broker ---- */

int relay_keeper_start(bool system, struct failure *f)
{
	static char path[PATH_SIZE];
	int pair[2];
	pid_t pid;

	for_system = system;
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
	keeper_started = true;
	return 0;
}

static int fail_no_keeper(struct failure *f)
{
	if (to_keeper >= 0)
		close(to_keeper);
	to_keeper = -1;
	if (!keeper_started)
		return fail_set(
			f, FAIL_NO_ENTRY,
			"make install puts it into libexec/ccrun; then start the broker again",
			"ccrun-relay was not installed when the broker started");
	return fail_set(f, FAIL_SYSTEM,
			for_system
				? "as root: systemctl restart ccbroker"
				: "end the broker (ccctl status has its process) and unlock again",
			"the broker's process that starts relays has ended");
}

/* 0 with a->error; to KEEPER_START with the channel beside it where that is 0. */
static int call_keeper(int what, struct keeper_answer *a, struct sock_control *beside,
		       struct failure *f)
{
	static struct keeper_request q;
	struct iovec request = { &q, sizeof(q) };
	struct pollfd p = { .fd = to_keeper, .events = POLLIN };
	int64_t end = clock_now_ms() + ANSWER_MS, left;
	ssize_t n;

	q.number++;
	q.what = (unsigned)what;
	if (to_keeper < 0 || (sock_send_nonblock(to_keeper, &request, 1) != 0 && errno != EAGAIN))
		return fail_no_keeper(f);
	for (;;) {
		left = end - clock_now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return fail_set(f, FAIL_TIMEOUT, "try again",
					"the session's relay was not started within %d s",
					ANSWER_MS / 1000);
		n = sock_recv(to_keeper, a, sizeof(*a), MSG_DONTWAIT, beside);
		if (n == (ssize_t)sizeof(*a) && a->number == q.number)
			return 0;
		sock_control_close(beside);
		if (n != (ssize_t)sizeof(*a) && !(n < 0 && errno == EAGAIN))
			return fail_no_keeper(f);
	}
}

static int explain_keeper_failure(const struct keeper_answer *a, struct failure *f)
{
	/* It came, but no more descriptors can be open here. */
	errno = a->error ? a->error : EMFILE;
	if (!for_system || a->error == 0)
		return fail_errno(f, NULL, "cannot start ccrun-relay");
	if (a->error == ENOENT || a->error == ECONNREFUSED)
		return fail_set(f, FAIL_NO_ENTRY, "as root: systemctl start ccrun-relay.socket",
				"the relays' service is not there (" SYSTEM_RELAY_SOCKET ")");
	if (a->error == EPERM)
		return fail_set(f, FAIL_UNSAFE_PATH,
				"as root: rm -r " SYSTEM_RELAY_DIR
				"; systemctl restart ccrun-relay.socket",
				SYSTEM_RELAY_DIR " or the socket in it is not root's");
	return fail_errno(f, "as root: systemctl status ccrun-relay.socket",
			  "cannot connect to the relays' service");
}

int relay_keeper_start_relay(struct failure *f)
{
	struct sock_control beside;
	struct keeper_answer a;

	if (call_keeper(KEEPER_START, &a, &beside, f) != 0)
		return -1;
	if (beside.fd < 0)
		return explain_keeper_failure(&a, f);
	fcntl(beside.fd, F_SETFL, O_NONBLOCK);
	return beside.fd;
}

int relay_keeper_check(struct failure *f)
{
	struct sock_control beside;
	struct keeper_answer a;

	if (call_keeper(KEEPER_CHECK, &a, &beside, f) != 0)
		return -1;
	sock_control_close(&beside);
	return a.error ? explain_keeper_failure(&a, f) : 0;
}
