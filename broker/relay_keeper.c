/*
 * broker/relay_keeper.c - a process that starts ccrun-relay for the broker.
 */
#include "broker/relay_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/sock.h"
#include "base/spawn.h"
#include "broker/attendant.h"
#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"
#include "sandbox/network_files.h"

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

/* ---- the program ---- */

/* MFD_EXEC is Linux 6.3's, and not in older headers. */
#define EXECUTABLE_MEMFD 0x10U

static int fill_program(int from, int to)
{
	struct stat st;
	uint8_t *p;
	ssize_t n;
	void (*before)(int);
	int r = -1;

	if (fstat(from, &st) != 0 || st.st_size <= 0)
		return -1;
	/* A limit on the size of files holds for this one. */
	before = signal(SIGXFSZ, SIG_IGN);
	p = malloc((size_t)st.st_size);
	n = p ? io_read_all(from, p, (size_t)st.st_size, INT64_MAX) : -1;
	/* Not readable for its owner either, it is undumpable from its first instruction. */
	if (n == st.st_size && io_write_all(to, p, (size_t)n, INT64_MAX) == 0 &&
	    fchmod(to, 0111) == 0)
		r = fcntl(to, F_ADD_SEALS,
			  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	free(p);
	signal(SIGXFSZ, before);
	return r;
}

/* A copy of the program that nobody can write; or -1. */
static int copy_program(int from)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("ccrun-relay", flags | EXECUTABLE_MEMFD);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ccrun-relay", flags);
	if (fd < 0 || fill_program(from, fd) == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * The relay's program as it is now: what is put in its place later gets no key.  Where it
 * can be read, a copy: its owner could change the file, or let others read it, which would
 * make it dumpable between exec and its first line.  *copied: it is one.
 */
static int open_program(const char *path, bool *copied)
{
	/* Nonblocking: a FIFO in its place would have every launch wait. */
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), fd;

	fd = from < 0 ? -1 : copy_program(from);
	*copied = fd >= 0;
	if (from >= 0)
		close(from);
	return fd >= 0 ? fd : open(path, O_PATH | O_CLOEXEC);
}

/* ---- the keeper ---- */

#define PROGRAM_FD (ATTENDANT_FD + 1)

/* If it cannot be started, the broker sees its channel end. */
static void execute_relay(int channel)
{
	static const char *const argv[] = { "ccrun-relay", NULL };
	static char *const no_environment[] = { NULL };
	struct spawn s = { .program = PROGRAM_FD,
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

#define KEEPER_PATHS 16

/*
 * What the relay's program is loaded from, and what the relay reads; it restricts itself
 * further.  No program of the user's can be run, no file of the user's read: the vault's
 * neither.  Programs that libraries bring along can be.
 */
static int enter_user_sandbox(void *data)
{
	static const char *const libraries[] = { "/lib",
						 "/lib64",
						 "/lib32",
						 "/usr/lib",
						 "/usr/lib64",
						 "/usr/lib32",
						 "/nix/store",
						 "/gnu/store",
						 "/usr/local/lib",
						 "/opt",
						 "/home/linuxbrew/.linuxbrew" };
	const bool *copied = data;
	struct landlock_path paths[KEEPER_PATHS];
	struct landlock_rules rules = { .readable = network_files,
					.readable_count = network_files_count,
					.paths = paths };
	size_t n = 0, i;

	for (i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		paths[n++] = (struct landlock_path){ .path = libraries[i],
						     .may = LANDLOCK_READ | LANDLOCK_RUN };
	paths[n++] = (struct landlock_path){ .path = "/proc", .may = LANDLOCK_READ };
	paths[n++] = (struct landlock_path){ .path = "/dev/null",
					     .may = LANDLOCK_READ | LANDLOCK_WRITE };
	/* Landlock lets everybody run a memfd, and takes no rule for it. */
	if (!*copied)
		paths[n++] = (struct landlock_path){ .fd = PROGRAM_FD,
						     .may = LANDLOCK_READ | LANDLOCK_RUN };
	rules.path_count = n;
	return cage_enter(&rules, 0, NULL);
}

/* It looks at a directory, and connects to a socket. */
static int enter_system_sandbox(void *unused)
{
	const struct landlock_rules nothing = { .limit_ports = true, .scope_sockets = true };

	(void)unused;
	return cage_enter(&nothing, DENY_EXEC | DENY_NETWORK | DENY_SIGNALS, NULL);
}

static void serve_broker(void *unused)
{
	struct keeper_request request;
	struct keeper_answer answer;
	struct iovec iov = { &answer, sizeof(answer) };
	int pair[2], r;

	(void)unused;
	while (recv(ATTENDANT_FD, &request, sizeof(request), 0) == sizeof(request)) {
		pair[0] = pair[1] = -1;
		if (request.what != KEEPER_START)
			r = for_system ? check_service() : 0;
		else if (for_system)
			r = pair[0] = connect_to_service();
		else
			r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
		answer.number = request.number;
		answer.error = r < 0 ? errno : 0;
		if (sock_send(ATTENDANT_FD, &iov, 1, pair[0]) != 0)
			break;
		if (pair[0] >= 0)
			close(pair[0]);
		/* Behind the answer: the broker and its client wait for no exec. */
		if (pair[1] >= 0)
			execute_relay(pair[1]);
	}
}

/* ---- the broker ---- */

int relay_keeper_start(bool system, struct failure *f)
{
	bool copied = false;
	struct attendant keeper = { .name = "ccrun-keeper",
				    .enter = system ? enter_system_sandbox : enter_user_sandbox,
				    .serve = serve_broker,
				    .data = &copied,
				    .keep = -1 };
	char path[PATH_SIZE];

	for_system = system;
	if (!system &&
	    (path_installed("libexec/ccrun/ccrun-relay", path, f) != 0 || access(path, X_OK) != 0))
		return 0;
	if (!system)
		keeper.keep = open_program(path, &copied);
	if (!system && keeper.keep < 0)
		return fail_errno(f, NULL, "%s", path);
	to_keeper = attendant_start(&keeper, f);
	if (keeper.keep >= 0)
		close(keeper.keep);
	keeper_started = to_keeper >= 0;
	return keeper_started ? 0 : -1;
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

bool relay_keeper_ended(void)
{
	return keeper_started && to_keeper < 0;
}
