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

#include "base/fail.h"
#include "base/paths.h"
#include "vault/crypto.h"

#define LOG "record.jsonl"
#define LOG_OLD "record.1.jsonl"
#define LINE_MAX_LEN 8192 /* every field is bounded: all of them fit, with every byte escaped */

struct line {
	char text[LINE_MAX_LEN];
	size_t n;
};

static void audit_line_add(struct line *l, const char *s, size_t n)
{
	if (n > sizeof(l->text) - 1 - l->n)
		n = sizeof(l->text) - 1 - l->n;
	memcpy(l->text + l->n, s, n);
	l->n += n;
	l->text[l->n] = '\0';
}

static void line_add_text(struct line *l, const char *key, const char *value)
{
	char esc[8];
	size_t i;

	if (!value || !value[0])
		return;
	audit_line_add(l, ",\"", 2);
	audit_line_add(l, key, strlen(key));
	audit_line_add(l, "\":\"", 3);
	for (i = 0; value[i] && i < 512; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c == '"' || c == '\\' || c < ' ' || c >= 0x7f) {
			/* Bytes over ASCII may be no UTF-8: each becomes one escape. */
			snprintf(esc, sizeof(esc), "\\u%04x", c);
			audit_line_add(l, esc, 6);
		} else {
			audit_line_add(l, value + i, 1);
		}
	}
	audit_line_add(l, "\"", 1);
}

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
	char tail[LINE_MAX_LEN * 2 + 1], *last, *hash;
	off_t from = size > LINE_MAX_LEN * 2 ? size - LINE_MAX_LEN * 2 : 0;
	ssize_t n = pread(fd, tail, sizeof(tail) - 1, from);
	unsigned long long seq;

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
	*last = '\0';
	last = memrchr(tail, '\n', (size_t)(last - tail));
	last = last ? last + 1 : tail;
	hash = strstr(last, ",\"hash\":\"");
	if (!hash || strlen(hash) < 9 + 64 || sscanf(last, "{\"seq\":%llu", &seq) != 1)
		return fail_damaged(leaf, "last line is not one of ours", f);
	memcpy(log->hash, hash + 9, 64);
	log->hash[64] = '\0';
	log->seq = seq;
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

/* Begin a new file.  When that fails, the present one grows past its limit: better
 * that than to refuse every request. */
static void rotate_log(struct audit_log *log)
{
	off_t size;
	int fd;

	if (renameat(log->dir, LOG, log->dir, LOG_OLD) != 0)
		return;
	fd = open_log_file(log, LOG, O_RDWR | O_APPEND | O_CREAT | O_EXCL, &size);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (fd >= 0)
			close(fd);
		renameat(log->dir, LOG_OLD, log->dir, LOG);
		return;
	}
	close(log->fd);
	log->fd = fd;
}

int audit_open(struct audit_log *log, const char *dir, struct failure *f)
{
	off_t size;

	log->fd = -1;
	log->size_max = AUDIT_FILE_MAX;
	log->seq = 0;
	memset(log->hash, '0', 64);
	log->hash[64] = '\0';
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
	/* One writer only: two would each chain to their own last line. */
	if (flock(log->fd, LOCK_EX | LOCK_NB) != 0) {
		fail_set(f, FAIL_BUSY, NULL, "another broker writes %s/record.jsonl", dir);
		goto bad;
	}
	if (size > 0 && read_chain_end(log, log->fd, LOG, size, f) != 0)
		goto bad;
	if (log->seq == 0 && read_old_chain_end(log, f) != 0)
		goto bad;
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

int audit_write(struct audit_log *log, const struct audit_event *e, struct failure *f)
{
	struct line l = { .n = 0 };
	struct timespec now;
	struct tm tm;
	uint8_t hash[32];
	char hex[65], head[128], pid[16] = "";
	off_t before;
	ssize_t w;
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = snprintf(head, sizeof(head),
		     "{\"seq\":%llu,\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"",
		     (unsigned long long)log->seq + 1, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		     tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
	audit_line_add(&l, head, (size_t)n);
	line_add_text(&l, "event", e->event);
	line_add_text(&l, "result", e->result);
	if (e->pid)
		snprintf(pid, sizeof(pid), "%d", (int)e->pid);
	line_add_text(&l, "pid", pid);
	line_add_text(&l, "provider", e->provider);
	line_add_text(&l, "entries", e->entries);
	line_add_text(&l, "delivery", e->delivery);
	line_add_text(&l, "session", e->session);
	line_add_text(&l, "inside", e->inside);
	line_add_text(&l, "image", e->image);
	line_add_text(&l, "why", e->why);
	blake2b_256(hash, log->hash, 64, l.text, l.n);
	hex_encode(hex, hash, sizeof(hash));
	audit_line_add(&l, ",\"hash\":\"", 9);
	audit_line_add(&l, hex, 64);
	audit_line_add(&l, "\"}\n", 3);

	before = lseek(log->fd, 0, SEEK_END);
	if (before >= log->size_max) {
		rotate_log(log);
		before = lseek(log->fd, 0, SEEK_END);
	}
	do
		w = write(log->fd, l.text, l.n);
	while (w < 0 && errno == EINTR);
	if (w != (ssize_t)l.n) {
		if (w >= 0) /* only a part was written: remove it */
			errno = before >= 0 && ftruncate(log->fd, before) == 0 ? ENOSPC : EIO;
		return fail_errno(f, "make room on the disk; nothing is released without a record",
				  "cannot write the record");
	}
	log->seq++;
	memcpy(log->hash, hex, sizeof(hex));
	return 0;
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
