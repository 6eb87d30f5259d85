/*
 * client/common/terminal_readers.c - looks for a terminal among other processes' descriptors.
 *
 * TIOCEXCL keeps others from opening the terminal; who has it open already goes on reading.
 */
#include "client/common/terminal_readers.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"
#include "base/proc.h"

#define ANCESTORS_MAX 64
#define DEV_TTY 0x0500u /* /dev/tty, which is each process's own terminal, as TIOCGDEV would say */

struct search {
	unsigned tty; /* the terminal, as TIOCGDEV numbers it */
	pid_t ancestor[ANCESTORS_MAX];
	unsigned ancestors;
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
static bool tty_is_behind(unsigned tty, pid_t pid, const char *number, unsigned own)
{
	int pidfd, fd = -1;
	unsigned long n;
	bool is;

	if (own == tty)
		return true;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0u);
	if (pidfd >= 0 && number_parse(number, 0, INT_MAX, &n))
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)n, 0u);
	/* Where nobody may look: who left its terminal may have left this one.  One that was
	 * hung up has no number any more. */
	is = fd < 0 ? own == 0 : tty_of(fd) == tty;
	if (fd >= 0)
		close(fd);
	if (pidfd >= 0)
		close(pidfd);
	return is;
}

/* own: the process's controlling terminal. */
static bool descriptor_reads(int dir, const char *number, unsigned tty, pid_t pid, unsigned own)
{
	struct stat link;
	struct statx to;
	unsigned found;

	/* DONT_SYNC: a dead network file system behind some other descriptor must not hang us. */
	if (statx(dir, number, AT_STATX_DONT_SYNC, STATX_TYPE, &to) != 0 || !S_ISCHR(to.stx_mode))
		return false;
	found = tty_number(to.stx_rdev_major, to.stx_rdev_minor);
	if (found != tty && found != DEV_TTY)
		return false;
	/* Whoever has it for writing alone would have to open it again. */
	if (fstatat(dir, number, &link, AT_SYMLINK_NOFOLLOW) != 0 || !(link.st_mode & S_IRUSR))
		return false;
	return found == tty || tty_is_behind(tty, pid, number, own);
}

static bool process_reads(pid_t pid, unsigned tty, unsigned own)
{
	char path[64];
	struct dirent *e;
	bool reads = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (!d)
		return false;
	while (!reads && (e = readdir(d)))
		reads = e->d_name[0] != '.' && descriptor_reads(dirfd(d), e->d_name, tty, pid, own);
	closedir(d);
	return reads;
}

/* Fill r in if that process has no business at the terminal and reads it all the same. */
static bool search_look_at(const struct search *s, pid_t pid, struct terminal_reader *r)
{
	struct proc_stat st, again;

	if (search_spares(s, pid) || proc_stat(pid, &st) != 0)
		return false;
	r->marked = proc_marked(pid) != 0;
	if (!r->marked && st.tty == s->tty)
		return false;
	if (!process_reads(pid, s->tty, st.tty) || proc_stat(pid, &again) != 0 ||
	    again.start != st.start)
		return false;
	r->pid = pid;
	r->start = st.start;
	snprintf(r->name, sizeof(r->name), "%s", st.comm);
	return true;
}

unsigned terminal_readers_find(int fd, struct terminal_reader *out, unsigned max)
{
	struct search s = { .tty = tty_of(fd) };
	unsigned long number;
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	if (s.tty == 0)
		return 0;
	search_note_ancestors(&s);
	d = opendir("/proc");
	while (d && n < max && (e = readdir(d)))
		if (number_parse(e->d_name, 1, INT_MAX, &number) &&
		    search_look_at(&s, (pid_t)number, &out[n]))
			n++;
	if (d)
		closedir(d);
	return n;
}

bool terminal_reader_is(int fd, pid_t pid)
{
	unsigned tty = tty_of(fd);
	struct proc_stat st;

	return tty != 0 && proc_stat(pid, &st) == 0 && process_reads(pid, tty, st.tty);
}
