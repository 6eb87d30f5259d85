/*
 * dial/dial.c - which broker is reached, and how long a connection lasts.
 */
#include "dial/dial.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/sock.h"
#include "dial/broker_check.h"
#include "dial/user_broker.h"

/* Tries to reach a lost broker, and the time between them; one that restarts is back by then. */
#define REOPEN_TRIES 15
#define REOPEN_MS 2000
#define OVERFLOW_UID 65534 /* what uids that a user namespace does not map appear as */

/* ---- the system broker ---- */

enum system_dir { SYSTEM_DIR_BAD = -1, SYSTEM_DIR_ABSENT, SYSTEM_DIR_FOUND };

static enum system_dir system_dir_bad(const struct stat *st, struct failure *f)
{
	fail_set(f, FAIL_UNSAFE_PATH, "it belongs to the user ccrun, mode 0755",
		 SYSTEM_RUN_DIR " is not the system broker's directory (uid %u, mode %04o)",
		 (unsigned)st->st_uid, (unsigned)(st->st_mode & 07777));
	return SYSTEM_DIR_BAD;
}

/*
 * MUST: the owner of SYSTEM_RUN_DIR is the uid that the system broker must have.
 * Only root can make a directory in /run, so root gave it that owner.  No other user
 * may be able to write to it.  SYSTEM_DIR_BAD: with FAIL_UNSAFE_PATH.
 */
static enum system_dir system_dir_check(uid_t *owner, struct failure *f)
{
	struct stat st;

	if (lstat(SYSTEM_RUN_DIR, &st) != 0) {
		if (errno == ENOENT)
			return SYSTEM_DIR_ABSENT;
		fail_errno(f, NULL, SYSTEM_RUN_DIR);
		return SYSTEM_DIR_BAD;
	}
	/* A user namespace may not map the owner.  Then every unmapped uid appears as
	 * this one, and the owner cannot be told from others. */
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) || st.st_uid == 0 ||
	    st.st_uid == OVERFLOW_UID || (st.st_uid == geteuid() && getuid() != 0))
		return system_dir_bad(&st, f);
	*owner = st.st_uid;
	return SYSTEM_DIR_FOUND;
}

static int fail_no_system_broker(struct failure *f)
{
	return fail_set(f, FAIL_NO_BROKER,
			"as root: systemctl start ccbroker (for a vault in a broker of your own: "
			"ccctl init)",
			"the system broker is not running");
}

enum system_state {
	SYSTEM_FAILED = -1,
	SYSTEM_CONNECTED,
	SYSTEM_UNSERVED /* there is no system broker, or it does not serve us now */
};

static enum system_state connect_system(struct dial *d, struct failure *f)
{
	enum system_dir dir = system_dir_check(&d->owner, f);

	if (dir != SYSTEM_DIR_FOUND)
		return dir == SYSTEM_DIR_BAD ? SYSTEM_FAILED : SYSTEM_UNSERVED;
	snprintf(d->path, sizeof(d->path), "%s", SYSTEM_SOCKET);
	d->fd = socket_connect(d, f);
	if (d->fd < 0 && socket_has_no_listener(errno)) {
		f->code = FAIL_NONE;
		return SYSTEM_UNSERVED;
	}
	if (d->fd < 0)
		return SYSTEM_FAILED;
	d->system = true;
	return SYSTEM_CONNECTED;
}

/* *has: the system broker has a vault of ours.  0 or -1. */
static int system_has_vault(struct dial *d, bool *has, struct failure *f)
{
	char state[16];

	if (dial_hello(d, f) != 0 ||
	    wire_get_text(d->in.top, "state", state, sizeof(state), f) != 0)
		return -1;
	*has = strcmp(state, "none") != 0;
	return 0;
}

/*
 * It does not serve us now.  MUST: only a refusal that says that no vault of ours is there sends us
 * on to a broker of the user's.  Whoever runs as the user can bring one about, and pose as that.
 */
static bool refusal_denies_vault(const struct dial *d)
{
	bool has = true;

	return d->refused && wire_has(d->in.top, "has_vault") &&
	       wire_get_bool(d->in.top, "has_vault", &has, NULL) == 0 && !has;
}

bool dial_system_down(void)
{
	int fd;

	if (access(SYSTEM_STATE_DIR, F_OK) != 0)
		return false;
	fd = sock_connect(SYSTEM_SOCKET, NULL);
	if (fd < 0)
		return socket_has_no_listener(errno);
	close(fd);
	return false;
}

bool dial_user_vault(void)
{
	char path[PATH_SIZE];

	return path_of(PATH_DATA, "vault", path, NULL) == 0 && access(path, F_OK) == 0;
}

static void dial_init(struct dial *d, int64_t deadline, void *buf, size_t size)
{
	memset(d, 0, sizeof(*d));
	d->fd = -1;
	d->deadline = deadline;
	d->owner = geteuid();
	d->buf = buf;
	d->size = size;
}

/* d is after dial_init. */
static int open_broker(struct dial *d, enum dial_where where, bool start, struct failure *f)
{
	struct failure why = { 0 };
	enum system_state system;
	bool has_vault = false;

	if (where == DIAL_USER)
		return user_broker_open(d, start, f);
	system = connect_system(d, &why);
	if (system == SYSTEM_CONNECTED && where == DIAL_SYSTEM)
		return 0;
	if (system == SYSTEM_CONNECTED) {
		/* Refused by a checked broker: too many users, a full disk. */
		if (system_has_vault(d, &has_vault, &why) != 0)
			system = refusal_denies_vault(d) ? SYSTEM_UNSERVED : SYSTEM_FAILED;
		if (has_vault)
			return 0;
		dial_close(d);
	} else if (system == SYSTEM_UNSERVED &&
		   (where == DIAL_SYSTEM || access(SYSTEM_STATE_DIR, F_OK) == 0)) {
		fail_no_system_broker(&why);
	}
	/*
	 * The system broker comes first, because no process with our uid can
	 * impersonate it.  While it does not serve, we may have a vault there; so
	 * go on only with a vault of our own, or a second one would be made.
	 */
	if (system == SYSTEM_FAILED || where == DIAL_SYSTEM ||
	    (why.code != FAIL_NONE && !dial_user_vault())) {
		if (f)
			*f = why;
		return -1;
	}
	dial_init(d, d->deadline, d->buf, d->size);
	return user_broker_open(d, start, f);
}

int dial_open_at(struct dial *d, enum dial_where where, bool start, void *buf, size_t size,
		 struct failure *f)
{
	dial_init(d, 0, buf, size);
	return open_broker(d, where, start, f);
}

int dial_open_within(struct dial *d, int ms, void *buf, size_t size, struct failure *f)
{
	dial_init(d, clock_now_ms() + ms, buf, size);
	return open_broker(d, DIAL_ANY, false, f);
}

int dial_open(struct dial *d, bool start, void *buf, size_t size, struct failure *f)
{
	return dial_open_at(d, DIAL_ANY, start, buf, size, f);
}

int dial_reopen(struct dial *d, int watched, struct failure *f)
{
	struct pollfd p = { .fd = watched, .events = POLLIN };
	void *buf = d->buf;
	size_t size = d->size;
	int i;

	for (i = 0; i < REOPEN_TRIES; i++) {
		dial_close(d);
		if (dial_open(d, false, buf, size, f) == 0 && dial_hello(d, f) == 0)
			return 0;
		if (f->code == FAIL_PEER)
			break;
		if (poll(&p, 1, REOPEN_MS) > 0)
			return 1;
	}
	dial_close(d);
	return -1;
}

void dial_close(struct dial *d)
{
	wire_in_free(&d->in);
	if (d->buf)
		io_wipe(d->buf, d->used);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	broker_check_forget(d);
}
