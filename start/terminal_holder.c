/*
 * start/terminal_holder.c - looks for processes of ours that ask on this terminal.
 *
 * MUST: what cannot be told counts as held.  Who is taken for gone, wrongly, notices that it lost the
 * terminal, and uses nothing of what was typed.
 */
#include "start/terminal_holder.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/number.h"
#include "base/proc.h"

#define ASKERS_MAX 64
#define ANCESTORS_MAX 64
#define LOOK_MS 2000
#define TAKE_AGAIN_MS 5

struct asker {
	pid_t pid, parent;
	bool waits, takes;
	char name[32];
};

static bool is_above_self(pid_t pid)
{
	struct proc_stat st;
	pid_t p = getpid();
	unsigned n;

	for (n = 0; p > 0 && n < ANCESTORS_MAX; n++, p = st.ppid) {
		if (p == pid)
			return true;
		if (proc_stat(p, &st) != 0)
			break;
	}
	return false;
}

/* Fill a if that process may ask on the terminal, or waits for it. */
static bool asker_read(pid_t pid, unsigned tty, struct asker *a)
{
	struct proc_stat st;

	if (proc_stat(pid, &st) != 0 || st.tty != tty || strchr("TtZX", st.state))
		return false;
	a->waits = strcmp(st.comm, TERMINAL_WAITS) == 0;
	a->takes = strcmp(st.comm, TERMINAL_TAKES) == 0;
	if (!a->waits && !a->takes && strcmp(st.comm, "ccctl") != 0 &&
	    strcmp(st.comm, "ccrun-import") != 0)
		return false;
	a->pid = pid;
	a->parent = st.ppid;
	memcpy(a->name, st.comm, sizeof(a->name));
	return !is_above_self(pid);
}

/* How many there are, put into a; -1: that cannot be told. */
static int askers_find(struct asker a[ASKERS_MAX])
{
	int64_t deadline = clock_now_ms() + LOOK_MS;
	struct proc_stat self, first;
	unsigned long number;
	struct dirent *e;
	int n = 0;
	DIR *d;

	/* Where process 1 is hidden (hidepid), so may others be. */
	if (proc_stat(getpid(), &self) != 0 || self.tty == 0 || proc_stat(1, &first) != 0)
		return -1;
	d = opendir("/proc");
	if (!d)
		return -1;
	while (n >= 0 && (e = readdir(d))) {
		if (n == ASKERS_MAX || clock_now_ms() > deadline)
			n = -1;
		else if (number_parse(e->d_name, 1, INT_MAX, &number) &&
			 asker_read((pid_t)number, self.tty, &a[n]))
			n++;
	}
	closedir(d);
	return n;
}

/* What has one of them as its child waits for that one (proc_fork_hardened). */
static bool asker_is_parent(const struct asker *a, int n, pid_t pid)
{
	int i;

	for (i = 0; i < n; i++)
		if (a[i].parent == pid)
			return true;
	return false;
}

enum terminal_holder terminal_holder_find(bool waits, struct terminal_asker *out)
{
	static struct asker a[ASKERS_MAX];
	int n = askers_find(a), i;

	for (i = 0; i < n; i++) {
		if (asker_is_parent(a, n, a[i].pid) || (a[i].waits && waits && a[i].pid > getpid()))
			continue;
		out->pid = a[i].pid;
		memcpy(out->name, a[i].name, sizeof(out->name));
		return TERMINAL_HELD;
	}
	return n < 0 ? TERMINAL_HELD_BY_UNKNOWN : TERMINAL_HELD_BY_NONE;
}

/* One look: true: another has it; false and not *settled: look again.  *others: of those that
 * gave way, or are to. */
static bool takers_look(bool held, bool *settled, bool *others)
{
	static struct asker a[ASKERS_MAX];
	int n = askers_find(a), i;

	*settled = true;
	for (i = 0; i < n; i++) {
		if (a[i].takes && a[i].pid < getpid())
			return true;
		if (held && !a[i].takes && !a[i].waits && !asker_is_parent(a, n, a[i].pid))
			return true;
	}
	/* One with a higher PID may have looked before we were seen, and have it: its name tells
	 * once it knows. */
	for (i = 0; i < n; i++) {
		*settled = *settled && !a[i].takes;
		*others = *others || a[i].takes || a[i].waits;
	}
	return false;
}

void terminal_call_self(const char *name)
{
	static char own[16]; /* as PR_GET_NAME wants it */

	if (!own[0])
		prctl(PR_GET_NAME, own);
	prctl(PR_SET_NAME, name ? name : own);
}

bool terminal_is_anothers(bool *held)
{
	int64_t deadline = clock_now_ms() + LOOK_MS;
	bool settled, others = false;

	while (!takers_look(*held, &settled, &others)) {
		if (settled) {
			*held = *held && !others;
			return false;
		}
		if (clock_now_ms() > deadline)
			return true;
		poll(NULL, 0, TAKE_AGAIN_MS);
	}
	return true;
}

int terminal_inherited(void)
{
	struct proc_stat self;
	unsigned tty;
	int fd;

	if (proc_stat(getpid(), &self) != 0 || self.tty == 0)
		return -1;
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (ioctl(fd, TIOCGDEV, &tty) == 0 && tty == self.tty)
			return fd;
	return -1;
}
