/*
 * client/common/terminal_readers.c - looks for a terminal among other processes' descriptors.
 *
 * TIOCEXCL keeps others from opening the terminal; who has it open already goes on reading,
 * or takes it back.
 */
#include "client/common/terminal_readers.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/proc.h"

#define ANCESTORS_MAX 64
#define LOOK_MS 3000 /* a person waits for it */
#define LOOKS_UNTIMED 64
#define DEV_TTY 0x0500u /* /dev/tty, which is each process's own terminal, as TIOCGDEV would say */

struct search {
	unsigned tty; /* the terminal, as TIOCGDEV numbers it */
	pid_t ancestor[ANCESTORS_MAX];
	unsigned ancestors;
	int64_t deadline;
	bool (*stop)(void *arg);
	void *arg;
	unsigned looked; /* at so many processes and descriptors */
	bool cut;	 /* it was late, or told to stop */
};

/* The kernel's number of a terminal; 0 when it has none. */
static unsigned tty_of(int fd)
{
	unsigned n = 0;

	return ioctl(fd, TIOCGDEV, &n) == 0 ? n : 0;
}

/* major and minor as TIOCGDEV and /proc/PID/stat join them. */
static unsigned tty_number(unsigned major, unsigned minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static void search_note_ancestors(struct search *s)
{
	struct proc_stat st;
	pid_t pid = getpid();

	while (pid > 0 && s->ancestors < ANCESTORS_MAX) {
		s->ancestor[s->ancestors++] = pid;
		if (proc_stat(pid, &st) != 0)
			break;
		pid = st.ppid;
	}
}

/* Is it to end?  Ctrl-C waits for that. */
static bool search_is_cut(struct search *s)
{
	if (!s->cut && s->looked++ % LOOKS_UNTIMED == 0)
		s->cut = clock_now_ms() >= s->deadline || (s->stop && s->stop(s->arg));
	return s->cut;
}

static bool search_spares(const struct search *s, pid_t pid)
{
	unsigned i;

	for (i = 0; i < s->ancestors; i++)
		if (s->ancestor[i] == pid)
			return true;
	return false;
}

/*
 * Descriptor number of that process was opened as /dev/tty.  Is it this terminal?  Its
 * controlling terminal may have been another one then.
 */
static bool tty_is_behind(unsigned tty, pid_t pid, const char *number, unsigned own, bool marked)
{
	int pidfd, fd = -1;
	unsigned long n;
	bool is;

	if (own == tty)
		return true;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
	if (pidfd >= 0 && number_parse(number, 0, INT_MAX, &n))
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)n, 0u);
	/* Where nobody may look (Yama): who left its terminal may have left this one, and what
	 * a session started may have taken another since.  One that was hung up has no number
	 * any more. */
	is = fd < 0 ? own == 0 || marked : tty_of(fd) == tty;
	if (fd >= 0)
		close(fd);
	if (pidfd >= 0)
		close(pidfd);
	return is;
}

/*
 * Can nothing be done with it but to look at its file (O_PATH)?  Any other will do to take
 * TIOCEXCL back, and so to open the terminal again for reading, also one for writing alone
 * or of the access mode 3.
 */
static bool descriptor_is_path(pid_t pid, const char *number)
{
	char path[64], text[256];
	const char *flags;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, number);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	flags = strstr(text, "flags:");
	return flags && (strtoul(flags + strlen("flags:"), NULL, 8) & O_PATH);
}

/* own: the process's controlling terminal. */
static bool descriptor_reaches(int dir, const char *number, unsigned tty, pid_t pid, unsigned own,
			       bool marked)
{
	struct statx to;
	unsigned found;

	/* DONT_SYNC: a dead network file system behind some other descriptor must not hang us. */
	if (statx(dir, number, AT_STATX_DONT_SYNC, STATX_TYPE, &to) != 0 || !S_ISCHR(to.stx_mode))
		return false;
	found = tty_number(to.stx_rdev_major, to.stx_rdev_minor);
	if (found != tty && found != DEV_TTY)
		return false;
	if (descriptor_is_path(pid, number))
		return false;
	return found == tty || tty_is_behind(tty, pid, number, own, marked);
}

/* The descriptors of a process, or of one thread.  s->cut: not looked at to the end. */
static bool thread_reaches(struct search *s, pid_t id, unsigned own, bool marked)
{
	char path[64];
	struct dirent *e;
	bool reaches = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)id);
	d = opendir(path);
	if (!d)
		return false;
	while (!reaches && !search_is_cut(s) && (e = readdir(d)))
		reaches = e->d_name[0] != '.' &&
			  descriptor_reaches(dirfd(d), e->d_name, s->tty, id, own, marked);
	closedir(d);
	return reaches;
}

/* What a session started may have given a thread descriptors of its own. */
static bool process_reaches(struct search *s, pid_t pid, unsigned own, bool marked)
{
	bool reaches = thread_reaches(s, pid, own, marked);
	unsigned long number;
	char path[64];
	struct dirent *e;
	DIR *d;

	if (reaches || !marked)
		return reaches;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && !reaches && !search_is_cut(s) && (e = readdir(d)))
		reaches = number_parse(e->d_name, 1, INT_MAX, &number) && (pid_t)number != pid &&
			  thread_reaches(s, (pid_t)number, own, marked);
	if (d)
		closedir(d);
	return reaches;
}

/* Fill r in if that process has no business at the terminal and has it open. */
static bool search_look_at(struct search *s, pid_t pid, struct terminal_reader *r)
{
	struct proc_stat st, again;

	if (search_spares(s, pid) || proc_stat(pid, &st) != 0)
		return false;
	r->marked = proc_marked(pid) != 0;
	if (!r->marked && st.tty == s->tty)
		return false;
	if (!process_reaches(s, pid, st.tty, r->marked) || proc_stat(pid, &again) != 0 ||
	    again.start != st.start)
		return false;
	r->pid = pid;
	r->start = st.start;
	snprintf(r->name, sizeof(r->name), "%s", st.comm);
	return true;
}

unsigned terminal_readers_find(int fd, struct terminal_reader *out, unsigned max,
			       bool (*stop)(void *arg), void *arg, bool *whole)
{
	struct search s = {
		.tty = tty_of(fd), .deadline = clock_now_ms() + LOOK_MS, .stop = stop, .arg = arg
	};
	unsigned long number;
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	*whole = true;
	if (s.tty == 0)
		return 0;
	search_note_ancestors(&s);
	d = opendir("/proc");
	while (d && n < max && !search_is_cut(&s) && (e = readdir(d)))
		if (number_parse(e->d_name, 1, INT_MAX, &number) &&
		    search_look_at(&s, (pid_t)number, &out[n]))
			n++;
	if (d)
		closedir(d);
	*whole = d && !s.cut;
	return n;
}

bool terminal_reader_is(int fd, pid_t pid)
{
	struct search s = { .tty = tty_of(fd), .deadline = clock_now_ms() + LOOK_MS };
	struct proc_stat st;

	return s.tty != 0 && proc_stat(pid, &st) == 0 && process_reaches(&s, pid, st.tty, false);
}
