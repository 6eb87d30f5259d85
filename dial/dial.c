/*
 * dial/dial.c - reaching the broker: connect, check who answers, call.
 */
#include "dial/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/proc.h"
#include "base/sock.h"
#include "start/broker.h"
#include "wire/limits.h"

/* A broker that was just started by someone else may not listen yet. */
#define CONNECT_PATIENCE_MS 5000
#define CONNECT_ROUND_MS 250
/* From the vault's lock to the socket: what it opens by itself lies between. */
#define LISTEN_PATIENCE_MS 3000
#define OVERFLOW_UID 65534 /* whoever a user namespace has no number for */

static bool nobody(int err)
{
	return err == ENOENT || err == ECONNREFUSED;
}

/* The process that vault.lock names, when it is a broker that lives; else 0. */
static pid_t holder(void)
{
	char path[PATH_SIZE], *text;
	struct proc_stat st;
	size_t n;
	pid_t pid;

	if (path_of(PATH_DATA, "vault.lock", path, NULL) != 0 || io_slurp(path, 32, &text, &n, NULL) != 0)
		return 0;
	pid = (pid_t)atoi(text);
	free(text);
	if (pid <= 0 || proc_stat(pid, &st) != 0 || strcmp(st.comm, "ccbroker") != 0 || st.state == 'Z')
		return 0;
	return pid;
}

static int no_broker(struct failure *f)
{
	pid_t pid = holder();

	/* Not "nothing is unlocked": it is, elsewhere. */
	if (pid) {
		fail_set(f, FAIL_BUSY, NULL,
			 "a broker (process %d) holds the vault, but does not listen where this program looks",
			 (int)pid);
		fail_hint(f, "use the XDG_RUNTIME_DIR that it was started with, or end it: kill %d", (int)pid);
		return -1;
	}
	return fail_set(f, FAIL_NO_BROKER, "ccctl unlock starts one", "no broker is running");
}

/* Start a broker (or wait for the one that another program starts) and connect. */
static int connect_started(const char *path, struct failure *f)
{
	int64_t deadline = io_now_ms() + CONNECT_PATIENCE_MS, round;
	int fd;

	if (proc_self_marked())
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"no broker is running, and a process inside a session may not start one");
	/* "busy" may have been a broker on its way out: ask again meanwhile. */
	do {
		if (broker_start(f) != 0)
			return -1;
		for (round = io_now_ms() + CONNECT_ROUND_MS; io_now_ms() < round; poll(NULL, 0, 5)) {
			fd = sock_connect(path, f);
			if (fd >= 0 || !nobody(errno))
				return fd;
		}
	} while (io_now_ms() < deadline);
	return fail_set(f, FAIL_NO_BROKER, "end it, or set XDG_RUNTIME_DIR to what it was started with",
			"a broker holds the vault but does not listen on %s", path);
}

/* Connect to d->path.  -1 with errno. */
static int connect_now(struct dial *d, struct failure *f)
{
	int64_t left;

	d->connected = io_now_ms();
	if (!d->deadline)
		return sock_connect(d->path, f);
	left = d->deadline - d->connected;
	if (left > 0)
		return sock_connect_within(d->path, (int)left, f);
	errno = ETIMEDOUT;
	return fail_errno(f, NULL, "connect to %s", d->path);
}

/* ---- the system's ---- */

/*
 * MUST: the directory is root's word for who the system broker is.  /run is
 * root's, so whoever owns a directory in it was given it by root; and it must
 * be writable by nobody else.  1 there is one, 0 none, -1 (FAIL_UNSAFE_PATH).
 */
static int system_owner(uid_t *owner, struct failure *f)
{
	struct stat st;

	if (lstat(SYSTEM_RUN_DIR, &st) != 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, SYSTEM_RUN_DIR);
	/* (Seen from a user namespace that has no number for its owner, it is
	 * nobody's, and so is everything that could stand in for it.) */
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) || st.st_uid == 0 || st.st_uid == OVERFLOW_UID ||
	    (st.st_uid == geteuid() && getuid() != 0))
		return fail_set(f, FAIL_UNSAFE_PATH, "it belongs to the user ccrun, mode 0755",
				SYSTEM_RUN_DIR " is not the system broker's directory (uid %u, mode %04o)",
				(unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
	*owner = st.st_uid;
	return 1;
}

static int no_system(struct failure *f)
{
	return fail_set(f, FAIL_NO_BROKER,
			"as root: systemctl start ccbroker (for a vault in a broker of your own: ccctl init)",
			"the system broker is not running");
}

enum system_state {
	SYSTEM_FAILED = -1,
	SYSTEM_CONNECTED,
	SYSTEM_UNSERVED /* no system broker, or none that serves us now */
};

static enum system_state connect_system(struct dial *d, struct failure *f)
{
	int r = system_owner(&d->owner, f);

	if (r <= 0)
		return r < 0 ? SYSTEM_FAILED : SYSTEM_UNSERVED;
	snprintf(d->path, sizeof(d->path), "%s", SYSTEM_SOCKET);
	d->fd = connect_now(d, f);
	if (d->fd < 0 && nobody(errno)) {
		f->code = FAIL_NONE;
		return SYSTEM_UNSERVED;
	}
	if (d->fd < 0)
		return SYSTEM_FAILED;
	d->system = true;
	return SYSTEM_CONNECTED;
}

/* Has the system's broker a vault of ours?  1, 0, -1. */
static int system_has_ours(struct dial *d, struct failure *f)
{
	char state[16];

	if (dial_hello(d, f) != 0 || wire_text(d->in.top, "state", state, sizeof(state), f) != 0)
		return -1;
	return strcmp(state, "none") != 0;
}

bool dial_system_down(void)
{
	int fd;

	if (access(SYSTEM_STATE_DIR, F_OK) != 0)
		return false;
	fd = sock_connect(SYSTEM_SOCKET, NULL);
	if (fd < 0)
		return nobody(errno);
	close(fd);
	return false;
}

static bool user_vault_exists(void)
{
	char path[PATH_SIZE];

	return path_of(PATH_DATA, "vault", path, NULL) == 0 && access(path, F_OK) == 0;
}

static void begin(struct dial *d, int64_t deadline, void *buf, size_t size)
{
	memset(d, 0, sizeof(*d));
	d->fd = -1;
	d->deadline = deadline;
	d->owner = geteuid();
	d->buf = buf;
	d->size = size;
}

/* ---- our own ---- */

/* One that holds the vault may be about to listen.  -1 with errno when it does not. */
static int connect_holder(const char *path, struct failure *f)
{
	int64_t deadline = io_now_ms() + LISTEN_PATIENCE_MS;
	int fd;

	do {
		fd = sock_connect(path, f);
		if (fd >= 0 || !nobody(errno) || !holder())
			return fd;
		poll(NULL, 0, 10);
	} while (io_now_ms() < deadline);
	errno = ENOENT;
	return -1;
}

/* A socket in a directory that others can write could be anybody's. */
static int check_dir(const char *dir, struct failure *f)
{
	int fd = path_private_dir(dir, f);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* d is one that has begun. */
static int open_user(struct dial *d, bool start, struct failure *f)
{
	char dir[PATH_SIZE];

	if (path_of(PATH_RUNTIME, NULL, dir, f) != 0 ||
	    path_of(PATH_RUNTIME, "broker.sock", d->path, f) != 0)
		return -1;
	if (start && check_dir(dir, f) != 0)
		return -1;
	d->connected = io_now_ms();
	d->fd = start || d->deadline ? connect_now(d, f) : connect_holder(d->path, f);
	/* It is made by who starts a broker: it may not have been there before. */
	if (d->fd >= 0 && check_dir(dir, f) != 0)
		return -1;
	if (d->fd < 0 && nobody(errno)) {
		d->fd = start ? connect_started(d->path, f) : no_broker(f);
		d->connected = io_now_ms();
	}
	return d->fd < 0 ? -1 : 0;
}

/* dial_open_at for d, which has begun. */
static int open_at(struct dial *d, enum dial_where where, bool start, struct failure *f)
{
	struct failure why = { 0 };
	enum system_state system;
	int ours;

	if (where == DIAL_USER)
		return open_user(d, start, f);
	system = connect_system(d, &why);
	if (system == SYSTEM_CONNECTED && where == DIAL_SYSTEM)
		return 0;
	if (system == SYSTEM_CONNECTED) {
		ours = system_has_ours(d, &why);
		if (ours == 1)
			return 0;
		/* A refusal (too many users, a full disk) by a checked broker: it does
		 * not serve us now.  An answer of another process is a failure. */
		if (ours < 0)
			system = d->broker ? SYSTEM_UNSERVED : SYSTEM_FAILED;
		dial_close(d);
	} else if (system == SYSTEM_UNSERVED &&
		   (where == DIAL_SYSTEM || access(SYSTEM_STATE_DIR, F_OK) == 0)) {
		no_system(&why);
	}
	/*
	 * The system's comes first: it is the one that nobody with our uid can
	 * stand in for.  While it does not serve, a vault in it must not be taken
	 * for none, and another be made.
	 */
	if (system == SYSTEM_FAILED || where == DIAL_SYSTEM || (why.code != FAIL_NONE && !user_vault_exists())) {
		if (f)
			*f = why;
		return -1;
	}
	begin(d, d->deadline, d->buf, d->size);
	return open_user(d, start, f);
}

int dial_open_at(struct dial *d, enum dial_where where, bool start, void *buf, size_t size,
		 struct failure *f)
{
	begin(d, 0, buf, size);
	return open_at(d, where, start, f);
}

int dial_open_within(struct dial *d, int ms, void *buf, size_t size, struct failure *f)
{
	begin(d, io_now_ms() + ms, buf, size);
	return open_at(d, DIAL_ANY, false, f);
}

int dial_open(struct dial *d, bool start, void *buf, size_t size, struct failure *f)
{
	return dial_open_at(d, DIAL_ANY, start, buf, size, f);
}

/*
 * The process that answered may have ended and its PID been reused by a process
 * that passes the checks.  A pidfd tells.  Where the kernel gives none, take a
 * process that is younger than our connection for such a one.  A broker that a
 * service manager starts for the connection is younger too: dial_call connects
 * once more then, to a broker that is older than the second connection.
 */
static bool peer_replaced(struct dial *d, const struct sock_control *b, const struct proc_stat *st)
{
	struct pollfd ended = { .fd = b->pidfd, .events = POLLIN };

	if (b->pidfd >= 0)
		return poll(&ended, 1, 0) != 0;
	d->young = (int64_t)(st->start * 1000 / (uint64_t)sysconf(_SC_CLK_TCK)) > d->connected;
	return d->young;
}

/*
 * Is the process that sent this answer a broker that may be trusted with a
 * secret?  A session cannot stand in for it: its processes are marked, and its
 * uid alone proves nothing.  (Root sees every process's files as root's, so
 * for uid 0 the posture tells nothing; docs/THREATS.md says so.)
 */
static int check_broker(struct dial *d, const struct sock_control *b, struct failure *f)
{
	static const char mend[] = "ccctl status shows who serves; end that process, then try again";
	struct proc_stat st;
	int marked;

	if (!b->have_sender)
		return fail_set(f, FAIL_PEER, mend, "the answer does not say who sent it");
	if (b->uid != d->owner)
		return fail_set(f, FAIL_PEER, mend,
				"the broker is somebody else's (uid %u, not %u)",
				(unsigned)b->uid, (unsigned)d->owner);
	if (b->pid <= 0)
		return fail_set(f, FAIL_PEER, "run it outside the container, or have a broker of your own inside",
				"the broker is in a pid namespace that cannot be seen from here");
	marked = proc_marked(b->pid);
	if (marked < 0 || proc_stat(b->pid, &st) != 0 || st.state == 'Z')
		return fail_set(f, FAIL_PEER, "is /proc mounted with hidepid?",
				"the broker (process %d) cannot be looked at", (int)b->pid);
	/* After both were read: they were about this process. */
	if (peer_replaced(d, b, &st))
		return fail_set(f, FAIL_PEER, "try again; if it stays, ccctl status shows who serves",
				"the process that answered (%d) is not there any more", (int)b->pid);
	if (st.owner != 0)
		return fail_set(f, FAIL_PEER, mend,
				"process %d (%s) answers as the broker but is not hardened",
				(int)b->pid, st.comm);
	if (marked)
		return fail_set(f, FAIL_PEER, mend,
				"process %d (%s) answers as the broker but descends from a session",
				(int)b->pid, st.comm);
	return 0;
}

/* Turn {ok:false} into a failure. */
static int refused(struct wire_map m, struct failure *f)
{
	struct failure got = { .code = FAIL_INTERNAL };
	char name[64];

	if (wire_text(m, "error", name, sizeof(name), f) != 0 ||
	    wire_text(m, "message", got.what, sizeof(got.what), f) != 0 ||
	    wire_text(m, "hint", got.hint, sizeof(got.hint), f) != 0)
		return -1;
	got.code = fail_from_name(name);
	if (f)
		*f = got;
	return -1;
}

static int receive(struct dial *d, int *fd, struct failure *f)
{
	struct sock_control beside;
	ssize_t n;
	int r;

	r = io_wait(d->fd, POLLIN, d->deadline ? d->deadline : io_now_ms() + REPLY_DEADLINE_MS);
	if (r == 0 && d->deadline)
		return fail_set(f, FAIL_TIMEOUT, "ccctl status shows whether it is alive",
				"the broker did not answer in time");
	if (r == 0)
		return fail_set(f, FAIL_TIMEOUT, "ccctl status shows whether it is alive",
				"the broker did not answer within %d s", REPLY_DEADLINE_MS / 1000);
	n = r < 0 ? -1 : sock_recv(d->fd, d->buf, d->size, 0, &beside);
	if (n < 0 && errno == EMSGSIZE)
		d->used = d->size;
	if (n > 0 && (size_t)n > d->used)
		d->used = (size_t)n;
	if (n < 0 && errno != ECONNRESET)
		return fail_errno(f, NULL, "answer from the broker");
	if (n <= 0)
		return fail_set(f, FAIL_NO_BROKER, "try again",
				"the broker closed the connection without an answer");
	if (d->broker && d->broker != beside.pid) {
		fail_set(f, FAIL_PEER, NULL, "another process than before answered (%d, not %d)",
			 (int)beside.pid, (int)d->broker);
		goto bad;
	}
	if (!d->broker && check_broker(d, &beside, f) != 0)
		goto bad;
	d->broker = beside.pid;
	if (wire_parse(&d->in, d->buf, (size_t)n, f) != 0)
		goto bad;
	if (fd) {
		*fd = beside.fd;
		beside.fd = -1;
	}
	sock_control_close(&beside);
	return 0;
bad:
	sock_control_close(&beside);
	return -1;
}

/* Send and receive once; the request stays the caller's. */
static int exchange(struct dial *d, const struct wire_out *request, int *fd, struct failure *f)
{
	/* A broker that hung up has said why: that answer is still to be read. */
	if (wire_send(d->fd, request, -1) != 0 && errno != EPIPE && errno != ECONNRESET)
		return fail_errno(f, NULL, "send to the broker");
	return receive(d, fd, f);
}

/* Whoever started for our first connection is older than the second. */
static int connect_again(struct dial *d, struct failure *f)
{
	close(d->fd);
	d->young = false;
	d->fd = connect_now(d, f);
	return d->fd < 0 ? -1 : 0;
}

int dial_call(struct dial *d, struct wire_out *request, int *fd, struct failure *f)
{
	bool ok = false;
	int r;

	if (fd)
		*fd = -1;
	wire_in_free(&d->in);
	d->refused = false;
	r = exchange(d, request, fd, f);
	if (r != 0 && d->young && !d->broker && connect_again(d, f) == 0)
		r = exchange(d, request, fd, f);
	wire_out_free(request);
	if (r != 0 || wire_get_bool(d->in.top, "ok", &ok, f) != 0)
		return -1;
	d->refused = !ok;
	return ok ? 0 : refused(d->in.top, f);
}

int dial_hello(struct dial *d, struct failure *f)
{
	return dial_call(d, wire_request("hello"), NULL, f);
}

void dial_close(struct dial *d)
{
	wire_in_free(&d->in);
	if (d->buf)
		io_wipe(d->buf, d->used);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
