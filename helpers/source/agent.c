/*
 * helpers/source/agent.c - looks at who answers as a manager's agent.
 */
#include "helpers/source/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"
#include "helpers/source/agent_kind.h"

#define BEFORE_MS 5000 /* for its answer, while nobody is asked yet */
#define DURING_MS 2000 /* for that of one which the manager started */
#define LOOK_MS 20     /* between looks, until then */
#define STALE_MS 50    /* from bind(2) to listen(2) of one that starts just now */
#define LINKS_MOST 40  /* as the kernel */

/* Of the directory, and of those above it. */
#define WATCH_DIR (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)
#define WATCH_PATH (IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW)

/* ---- what is said ---- */

static int fail_agent(const struct agent *a, struct failure *f)
{
	/* A text of ours, for each kind. */
	fail_hint_text(f, a->kind->end);
	if (a->runs)
		fail_hint_add(f, "; what you typed for it meanwhile, change");
	return -1;
}

static int fail_unknown(const struct agent *a, struct failure *f)
{
	fail_set(f, FAIL_SOURCE, NULL, "who answers as %s cannot be looked at: %.200s",
		 a->kind->name, a->path);
	return fail_agent(a, f);
}

static int fail_watch(const struct agent *a, struct failure *f)
{
	return fail_errno(f,
			  errno == EMFILE || errno == ENOSPC
				  ? "your programs watch too much: sysctl fs.inotify"
				  : "may you read and write there?",
			  "the place of %s's socket cannot be watched: %.200s", a->kind->name,
			  a->path);
}

static int fail_changed(const struct agent *a, struct failure *f)
{
	return fail_set(
		f, FAIL_SOURCE,
		"the same command again; what you typed for it meanwhile, change if you know "
		"of no reason",
		"another %s came, or one went, while it was in use: %.200s", a->kind->name,
		a->path);
}

/* ---- its place ---- */

static int watch_path(int watch, const char *path, unsigned *links);

/* If path is a link, where it leads.  0, or -1 with errno. */
static int watch_link(int watch, const char *path, unsigned *links)
{
	char to[PATH_SIZE], at[2 * PATH_SIZE];
	ssize_t n = readlink(path, to, sizeof(to));
	int dir = (int)(strrchr(path, '/') + 1 - path);

	if (n < 0)
		return errno == EINVAL ? 0 : -1;
	if (++*links > LINKS_MOST) {
		errno = ELOOP;
		return -1;
	}
	n = snprintf(at, sizeof(at), "%.*s%.*s", to[0] == '/' ? 0 : dir, path, (int)n, to);
	errno = ENAMETOOLONG;
	return n < PATH_SIZE ? watch_path(watch, at, links) : -1;
}

/* Each name of the path is to stay, and those that a link leads through.  *links: so many were
 * followed.  0, or -1 with errno. */
static int watch_path(int watch, const char *path, unsigned *links)
{
	char part[PATH_SIZE];
	struct stat st;
	size_t n = 0;

	while (path[n]) {
		n += 1 + strcspn(path + n + 1, "/");
		memcpy(part, path, n);
		part[n] = '\0';
		/* Another user's directory that is closed to us is not moved by programs of ours. */
		if (inotify_add_watch(watch, part, WATCH_PATH | IN_MASK_ADD) < 0 &&
		    (errno != EACCES || lstat(part, &st) != 0 || st.st_uid == geteuid()))
			return -1;
		if (watch_link(watch, part, links) != 0)
			return -1;
	}
	return 0;
}

/* 0, or -1 with errno. */
static int watch_place(struct agent *a)
{
	char dir[PATH_SIZE], real[PATH_SIZE];
	unsigned links = 0;

	memcpy(dir, a->path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	/* As the manager would, for the agent that it starts. */
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return -1;
	a->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->watch < 0 || watch_path(a->watch, dir, &links) != 0 || !realpath(dir, real) ||
	    watch_path(a->watch, real, &links) != 0)
		return -1;
	a->dir = inotify_add_watch(a->watch, real, WATCH_DIR | IN_MASK_ADD);
	return a->dir < 0 ? -1 : 0;
}

/*
 * A socket that nobody listens at is that of an agent which was killed; or of one that will listen
 * for an instant, which nothing would show.  The manager's agent would remove it too.
 */
static void remove_stale(const struct agent *a)
{
	struct stat was, is;
	int fd;

	if (lstat(a->path, &was) != 0 || !S_ISSOCK(was.st_mode))
		return;
	fd = sock_connect_stream(a->path);
	if (fd < 0 && errno == ECONNREFUSED) {
		poll(NULL, 0, STALE_MS);
		fd = sock_connect_stream(a->path);
		if (fd < 0 && errno == ECONNREFUSED && lstat(a->path, &is) == 0 &&
		    is.st_ino == was.st_ino && is.st_dev == was.st_dev)
			unlink(a->path);
	}
	if (fd >= 0)
		close(fd);
}

/* One event.  -1: more happened than that an agent came. */
static int event_take(struct agent *a, const struct inotify_event *e)
{
	const char *name = strrchr(a->path, '/') + 1;

	if (e->mask & IN_IGNORED)
		return 0;
	if (e->mask & (IN_Q_OVERFLOW | IN_UNMOUNT | IN_MOVE_SELF | IN_DELETE_SELF))
		return -1;
	if (e->wd != a->dir || e->len == 0 || strcmp(e->name, name) != 0)
		return 0;
	if (a->runs && (!(e->mask & IN_CREATE) || a->state != AGENT_ABSENT))
		return -1;
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	a->state = AGENT_CAME;
	if (a->runs)
		a->deadline = clock_now_ms() + DURING_MS;
	return 0;
}

static int events_take(struct agent *a, struct failure *f)
{
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *e;
	ssize_t n, at;

	while ((n = read(a->watch, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(const void *)(buf + at);
			if (event_take(a, e) != 0)
				return fail_changed(a, f);
		}
	return n < 0 && errno != EAGAIN && errno != EINTR ? fail_watch(a, f) : 0;
}

/* ---- who answers ---- */

static int ask(struct agent *a, struct failure *f)
{
	const char *say = a->kind->say;
	struct stat st;

	if (lstat(a->path, &st) != 0 && errno == ENOENT && !a->runs) {
		a->state = AGENT_ABSENT;
		return 0;
	}
	/* libassuan goes where a file "%Assuan%" says; a link leads where nobody watches. */
	if (lstat(a->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return fail_set(f, FAIL_SOURCE, "move it away; then the same command again",
				"in the place of %s's socket is what leads elsewhere: %.200s",
				a->kind->name, a->path);
	a->connected = clock_now_ms();
	a->fd = sock_connect_stream(a->path);
	if (a->fd < 0) /* not yet, or not at all */
		return 0;
	if (say)
		(void)send(a->fd, say, strlen(say), MSG_NOSIGNAL);
	a->state = AGENT_ASKED;
	return 0;
}

enum sender { SENDER_THERE, SENDER_ENDED, SENDER_YOUNGER };

/*
 * After /proc/PID was read: is it about the process that sent this?  Before Linux 6.5 there is no pidfd
 * to tell, and one that started after we connected is taken for another one that got its PID, or
 * was started because of the connection.
 */
static enum sender sender_check(const struct agent *a, const struct sock_control *from,
				const struct proc_stat *st)
{
	struct pollfd ended = { .fd = from->pidfd, .events = POLLIN };
	/* Before this: what the kernel says is the beginning of a tick. */
	int64_t started = (int64_t)((st->start + 1) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));

	if (sock_names_sender(a->fd))
		return from->pidfd >= 0 && poll(&ended, 1, 0) == 0 ? SENDER_THERE : SENDER_ENDED;
	return started > a->connected ? SENDER_YOUNGER : SENDER_THERE;
}

static int judge(struct agent *a, const struct sock_control *from, struct failure *f)
{
	struct proc_stat st;
	enum sender is;
	int marked;

	if (!from->have_sender || from->pid <= 0)
		return fail_unknown(a, f);
	marked = proc_marked(from->pid);
	if (marked < 0 || proc_stat(from->pid, &st) != 0 || st.state == 'Z')
		return fail_unknown(a, f);
	is = sender_check(a, from, &st);
	if (is == SENDER_ENDED)
		return fail_unknown(a, f);
	if (is == SENDER_YOUNGER) { /* it started just now: once more */
		a->state = AGENT_CAME;
		return 0;
	}
	a->state = AGENT_KNOWN;
	if (!marked)
		return 0;
	fail_set(f, FAIL_SOURCE, NULL, "process %d (%s) answers as %s, and descends from a session",
		 (int)from->pid, st.comm, a->kind->name);
	return fail_agent(a, f);
}

static int hear(struct agent *a, struct failure *f)
{
	struct sock_control from;
	char first[256];
	ssize_t n = sock_recv(a->fd, first, sizeof(first), MSG_DONTWAIT, &from);
	int r = 0;

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n > 0) {
		r = judge(a, &from, f);
		sock_control_close(&from);
	} else {
		a->state = AGENT_CAME;
	}
	close(a->fd);
	a->fd = -1;
	return r;
}

/* ---- its looks ---- */

int agent_begin(struct agent *a, const struct command_words *w, struct failure *f)
{
	int r;

	a->kind = NULL;
	a->watch = a->fd = -1;
	if (!control_active(CONTROL_MANAGER_AGENT))
		return 0;
	a->kind = agent_kind_of(w);
	if (!a->kind)
		return 0;
	if (a->kind->find(w, a->path, f) != 0)
		return -1;
	a->runs = false;
	a->state = AGENT_CAME;
	a->deadline = clock_now_ms() + BEFORE_MS;
	remove_stale(a);
	if (watch_place(a) != 0)
		return fail_watch(a, f);
	r = agent_settle(a, f);
	a->runs = true;
	return r;
}

int agent_check(struct agent *a, int *ms, struct failure *f)
{
	if (!a->kind)
		return 0;
	if (events_take(a, f) != 0 || (a->state == AGENT_CAME && ask(a, f) != 0) ||
	    (a->state == AGENT_ASKED && hear(a, f) != 0))
		return -1;
	if (a->state != AGENT_CAME && a->state != AGENT_ASKED)
		return 0;
	if (clock_now_ms() >= a->deadline)
		return fail_unknown(a, f);
	if (*ms > LOOK_MS)
		*ms = LOOK_MS;
	return 0;
}

int agent_settle(struct agent *a, struct failure *f)
{
	struct pollfd p = { .events = POLLIN };
	int ms = LOOK_MS;

	if (!a->kind)
		return 0;
	while (agent_check(a, &ms, f) == 0) {
		if (a->state == AGENT_ABSENT || a->state == AGENT_KNOWN)
			return 0;
		p.fd = a->fd;
		poll(&p, 1, ms);
	}
	return -1;
}

void agent_end(struct agent *a)
{
	if (a->watch >= 0)
		close(a->watch);
	if (a->fd >= 0)
		close(a->fd);
	a->watch = a->fd = -1;
}
