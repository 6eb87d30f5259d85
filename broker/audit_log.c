/*
 * broker/audit_log.c - the audit log: JSON lines chained by hash.
 */
#include "broker/audit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/file_lock.h"
#include "base/paths.h"

#define LOG "record.jsonl"
#define LOG_OLD "record.1.jsonl"
#define TAIL_MAX (AUDIT_LINE_MAX * 2) /* bytes in which a whole line must be */

static int fail_damaged(const char *leaf, const char *why, struct failure *f)
{
	fail_set(f, FAIL_DAMAGED, NULL, "the record's %s", why);
	fail_hint(f, "move %s away to start a new chain", leaf);
	return -1;
}

/* Read hash and number of the last complete line; cut off an incomplete one. */
static int read_chain_end(struct audit_log *log, int fd, const char *leaf, off_t size,
			  struct failure *f)
{
	char tail[TAIL_MAX + 1], *last, *end;
	off_t from = size > TAIL_MAX ? size - TAIL_MAX : 0;
	ssize_t n = pread(fd, tail, sizeof(tail) - 1, from);

	if (n < 0)
		return fail_errno(f, NULL, "cannot read the record");
	tail[n] = '\0';
	last = memrchr(tail, '\n', (size_t)n);
	if (!last && from > 0)
		return fail_damaged(leaf, "end is damaged", f);
	if (!last) {
		/* Not one whole line. */
		if (ftruncate(fd, 0) != 0)
			return fail_errno(f, NULL, "cannot cut an incomplete line off the record");
		return 0;
	}
	if (ftruncate(fd, from + (last - tail) + 1) != 0)
		return fail_errno(f, NULL, "cannot cut an incomplete line off the record");
	end = last;
	last = memrchr(tail, '\n', (size_t)(last - tail));
	last = last ? last + 1 : tail;
	if (!audit_line_read(last, (size_t)(end - last), &log->seq, log->hash))
		return fail_damaged(leaf, "last line is not one of ours", f);
	return 0;
}

/* A descriptor and the file's size; -1 with errno, EINVAL for what is no regular file. */
static int open_log_file(const struct audit_log *log, const char *leaf, int flags, off_t *size)
{
	struct stat st;
	int fd = openat(log->dir, leaf, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))) {
		*size = fd < 0 ? 0 : st.st_size;
		return fd;
	}
	close(fd);
	errno = EINVAL;
	return -1;
}

/* An empty log goes on where the older file ends. */
static int read_old_chain_end(struct audit_log *log, struct failure *f)
{
	off_t size;
	int fd, n = 0;

	fd = open_log_file(log, LOG_OLD, O_RDWR, &size);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "cannot open " LOG_OLD);
	if (size > 0)
		n = read_chain_end(log, fd, LOG_OLD, size, f);
	close(fd);
	return n;
}

/* What the file is now is what it is expected to be at the next line. */
static int note_file(struct audit_log *log)
{
	struct stat st;

	if (fstat(log->fd, &st) != 0)
		return -1;
	log->size = st.st_size;
	log->dev = st.st_dev;
	log->ino = st.st_ino;
	return 0;
}

/* Go on in the file of that name.  -1: the present one stays. */
static int switch_file(struct audit_log *log, int flags)
{
	off_t size;
	int fd = open_log_file(log, LOG, O_RDWR | O_APPEND | O_CREAT | flags, &size);

	if (fd < 0)
		return -1;
	/* One writer only: two would each chain to their own last line. */
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return -1;
	}
	close(log->fd);
	log->fd = fd;
	(void)fsync(log->dir); /* the file may be new */
	return note_file(log);
}

/* Begin a new file.  When that fails, the present one grows past its limit: better
 * that than to refuse every request. */
static void rotate_log(struct audit_log *log)
{
	/* A checkpoint syncs the present file alone. */
	if (fdatasync(log->fd) != 0 || renameat(log->dir, LOG, log->dir, LOG_OLD) != 0)
		return;
	if (switch_file(log, O_EXCL) != 0)
		renameat(log->dir, LOG_OLD, log->dir, LOG);
}

int audit_open(struct audit_log *log, const char *dir, struct failure *f)
{
	char path[PATH_SIZE];
	off_t size;

	memset(log, 0, sizeof(*log));
	log->fd = -1;
	log->size_max = AUDIT_FILE_MAX;
	memset(log->hash, '0', AUDIT_HASH_HEX);
	log->dir = path_private_dir(dir, f);
	if (log->dir < 0)
		return -1;
	log->fd = open_log_file(log, LOG, O_RDWR | O_APPEND | O_CREAT, &size);
	if (log->fd < 0 && errno == EINVAL) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s/record.jsonl is no regular file", dir);
		goto bad;
	}
	if (log->fd < 0) {
		fail_errno(f, NULL, "cannot open %s/record.jsonl", dir);
		goto bad;
	}
	/* A new file: a checkpoint syncs what is in it, and not its name. */
	if (size == 0 && fsync(log->dir) != 0) {
		fail_errno(f, NULL, "cannot sync %s", dir);
		goto bad;
	}
	/* One writer only: two would each chain to their own last line. */
	snprintf(path, sizeof(path), "%s/" LOG, dir);
	if (file_lock(log->fd, 0, path, f) != 0) {
		/* Not as FAIL_BUSY: no broker serves this vault, whose lock the caller has. */
		if (f && f->code == FAIL_BUSY)
			f->code = FAIL_SYSTEM;
		goto bad;
	}
	if (size > 0 && read_chain_end(log, log->fd, LOG, size, f) != 0)
		goto bad;
	if (log->seq == 0 && read_old_chain_end(log, f) != 0)
		goto bad;
	if (note_file(log) != 0) {
		fail_errno(f, NULL, "cannot read %s/record.jsonl", dir);
		goto bad;
	}
	log->opened = log->seq;
	return 0;
bad:
	audit_close(log);
	return -1;
}

void audit_close(struct audit_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	if (log->dir >= 0)
		close(log->dir);
	log->fd = log->dir = -1;
}

static int fail_unwritten(struct failure *f)
{
	return fail_errno(f, "make room on the disk; nothing is released without a record",
			  "cannot write the record");
}

static int append(struct audit_log *log, const char *text, size_t n, struct failure *f)
{
	ssize_t w;

	do
		w = write(log->fd, text, n);
	while (w < 0 && errno == EINTR);
	if (w == (ssize_t)n) {
		log->size += w;
		return 0;
	}
	if (w >= 0) /* only a part was written: remove it */
		errno = ftruncate(log->fd, log->size) == 0 ? ENOSPC : EIO;
	return fail_unwritten(f);
}

static int append_event(struct audit_log *log, const struct audit_event *e, struct failure *f)
{
	struct audit_line l;

	audit_line_format(&l, e, log->seq + 1, log->hash);
	if (log->size >= log->size_max)
		rotate_log(log);
	if (append(log, l.text, l.n, f) != 0)
		return -1;
	log->seq++;
	memcpy(log->hash, l.hash, sizeof(l.hash));
	return 0;
}

/* A line of ours must not become a part of what somebody left without an end. */
static int end_last_line(struct audit_log *log, struct failure *f)
{
	char last = '\n';

	if (log->size > 0 && pread(log->fd, &last, 1, log->size - 1) != 1)
		return fail_errno(f, NULL, "cannot read the record");
	return last == '\n' ? 0 : append(log, "\n", 1, f);
}

/*
 * Is the file as the last line left it?  If not, say so in it: the chain goes on from what
 * was written, so that a reader sees where it breaks.
 */
static int check_unchanged(struct audit_log *log, struct failure *f)
{
	char why[AUDIT_NEWS] = "another file was put in the log's place";
	struct stat st;
	bool gone = fstatat(log->dir, LOG, &st, AT_SYMLINK_NOFOLLOW) != 0;
	bool same = !gone && st.st_dev == log->dev && st.st_ino == log->ino;

	if (same && st.st_size == log->size)
		return 0;
	if (gone)
		snprintf(why, sizeof(why), "the log was removed while it was written");
	else if (same)
		snprintf(why, sizeof(why), "the log was %lld bytes %s than it had been left",
			 llabs((long long)st.st_size - (long long)log->size),
			 st.st_size < log->size ? "shorter" : "longer");
	if ((same ? note_file(log) : switch_file(log, 0)) != 0)
		return fail_errno(f, "move what is there away", "cannot write the record");
	return end_last_line(log, f) == 0 ? audit_report_loss(log, "found", 0, why, f) : -1;
}

int audit_report_loss(struct audit_log *log, const char *result, uint64_t missing, const char *why,
		      struct failure *f)
{
	struct audit_event e = {
		.event = "log-cut", .result = result, .missing = missing, .why = why
	};

	snprintf(log->news, sizeof(log->news), "%s", why);
	return append_event(log, &e, f);
}

int audit_sync(struct audit_log *log, struct failure *f)
{
	return fdatasync(log->fd) == 0 ? 0 : fail_unwritten(f);
}

int audit_write(struct audit_log *log, const struct audit_event *e, struct failure *f)
{
	if (check_unchanged(log, f) != 0 || append_event(log, e, f) != 0)
		return control_active(CONTROL_RECORD) ? -1 : 0;
	return e->gives && log->durable ? audit_sync(log, f) : 0;
}

/* ---- reading ---- */

/*
 * The first whole line that begins at or behind `from`.  *next: where the one behind it
 * begins.  1; 0: there is none of ours; -1: the file cannot be read.
 */
static int line_behind(int fd, off_t from, uint64_t *seq, char hash[AUDIT_HASH_HEX + 1],
		       off_t *next)
{
	/* From the byte before, which ends a line if one begins here. */
	off_t at = from > 0 ? from - 1 : 0;
	char part[TAIL_MAX], *line = part, *end;
	ssize_t n = pread(fd, part, sizeof(part), at);

	if (n <= 0)
		return (int)n;
	if (from > 0) {
		line = memchr(part, '\n', (size_t)n);
		if (!line)
			return 0;
		line++;
	}
	end = memchr(line, '\n', (size_t)(part + n - line));
	if (!end)
		return 0;
	*next = at + (end - part) + 1;
	return audit_line_read(line, (size_t)(end - line), seq, hash);
}

/* By halves: the numbers of lines ascend.  1, 0 or -1, as above. */
static int find_in_file(int fd, off_t size, uint64_t wanted, char hash[AUDIT_HASH_HEX + 1])
{
	off_t low = 0, high = size, middle, next;
	uint64_t seq;
	int r;

	/* The line begins at or behind low, and before high. */
	while (low < high) {
		middle = low + (high - low) / 2;
		r = line_behind(fd, middle, &seq, hash, &next);
		if (r < 0)
			return -1;
		if (r == 0 || seq > wanted)
			high = middle;
		else if (seq == wanted)
			return 1;
		else
			low = next;
	}
	return 0;
}

int audit_find(const struct audit_log *log, uint64_t seq, char hash[AUDIT_HASH_HEX + 1])
{
	static const char *const leaf[] = { LOG, LOG_OLD };
	int i, fd, r, unreadable = 0;
	off_t size;

	for (i = 0; i < 2; i++) {
		fd = open_log_file(log, leaf[i], O_RDONLY, &size);
		r = fd < 0 ? -(errno != ENOENT) : find_in_file(fd, size, seq, hash);
		if (fd >= 0)
			close(fd);
		if (r > 0)
			return 1;
		unreadable |= r;
	}
	return unreadable;
}

ssize_t audit_read(const struct audit_log *log, bool old, uint64_t at, void *out, size_t n,
		   uint64_t *size, struct failure *f)
{
	ssize_t got = 0;
	off_t whole;
	int fd;

	*size = 0;
	fd = open_log_file(log, old ? LOG_OLD : LOG, O_RDONLY, &whole);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "cannot read the record");
	*size = (uint64_t)whole;
	if (at < *size)
		got = pread(fd, out, n, (off_t)at);
	if (got < 0)
		fail_errno(f, NULL, "cannot read the record");
	close(fd);
	return got;
}
