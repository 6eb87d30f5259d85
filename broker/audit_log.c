/*
 * broker/audit_log.c - the record: JSON lines chained by hash.
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

#define RECORD "record.jsonl"
#define RECORD_OLD "record.1.jsonl"
#define LINE_MAX_LEN 8192 /* every field is bounded; all of them fit, all of it escaped */

struct line {
	char text[LINE_MAX_LEN];
	size_t n;
};

static void line_add(struct line *l, const char *s, size_t n)
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
	line_add(l, ",\"", 2);
	line_add(l, key, strlen(key));
	line_add(l, "\":\"", 3);
	for (i = 0; value[i] && i < 512; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c == '"' || c == '\\' || c < ' ' || c >= 0x7f) {
			/* Bytes above ASCII may be no UTF-8: as Latin-1 escapes. */
			snprintf(esc, sizeof(esc), "\\u%04x", c);
			line_add(l, esc, 6);
		} else {
			line_add(l, value + i, 1);
		}
	}
	line_add(l, "\"", 1);
}

static int fail_damaged(const char *leaf, const char *why, struct failure *f)
{
	fail_set(f, FAIL_DAMAGED, NULL, "the record's %s", why);
	fail_hint(f, "move %s away to start a new chain", leaf);
	return -1;
}

/* The hash in the last complete line, and its number. */
static int read_chain_end(struct audit_log *r, int fd, const char *leaf, off_t size, struct failure *f)
{
	char tail[LINE_MAX_LEN * 2 + 1], *last, *hash;
	off_t from = size > LINE_MAX_LEN * 2 ? size - LINE_MAX_LEN * 2 : 0;
	ssize_t n = pread(fd, tail, sizeof(tail) - 1, from);
	unsigned long long seq;

	if (n < 0)
		return fail_errno(f, NULL, "read the record");
	tail[n] = '\0';
	last = memrchr(tail, '\n', (size_t)n);
	if (!last && from > 0)
		return fail_damaged(leaf, "end is damaged", f);
	if (!last) {
		/* Not one whole line. */
		if (ftruncate(fd, 0) != 0)
			return fail_errno(f, NULL, "mend the record");
		return 0;
	}
	if (ftruncate(fd, from + (last - tail) + 1) != 0)
		return fail_errno(f, NULL, "mend the record");
	*last = '\0';
	last = memrchr(tail, '\n', (size_t)(last - tail));
	last = last ? last + 1 : tail;
	hash = strstr(last, ",\"hash\":\"");
	if (!hash || strlen(hash) < 9 + 64 || sscanf(last, "{\"seq\":%llu", &seq) != 1)
		return fail_damaged(leaf, "last line is not one of ours", f);
	memcpy(r->hash, hash + 9, 64);
	r->hash[64] = '\0';
	r->seq = seq;
	return 0;
}

/* A file of the record.  -1 with errno; a strange file is EINVAL. */
static int open_log_file(const struct audit_log *r, const char *leaf, int flags, off_t *size)
{
	struct stat st;
	int fd = openat(r->dir, leaf, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))) {
		*size = fd < 0 ? 0 : st.st_size;
		return fd;
	}
	close(fd);
	errno = EINVAL;
	return -1;
}

/* An empty record goes on where the older file ends. */
static int read_old_chain_end(struct audit_log *r, struct failure *f)
{
	off_t size;
	int fd, n = 0;

	fd = open_log_file(r, RECORD_OLD, O_RDWR, &size);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, RECORD_OLD);
	if (size > 0)
		n = read_chain_end(r, fd, RECORD_OLD, size, f);
	close(fd);
	return n;
}

/*
 * Begin a new file.  Where that does not work the present one grows on: a line
 * that is too many is better than one that is missing.
 */
static void rotate_log(struct audit_log *r)
{
	off_t size;
	int fd;

	if (renameat(r->dir, RECORD, r->dir, RECORD_OLD) != 0)
		return;
	fd = open_log_file(r, RECORD, O_RDWR | O_APPEND | O_CREAT | O_EXCL, &size);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (fd >= 0)
			close(fd);
		renameat(r->dir, RECORD_OLD, r->dir, RECORD);
		return;
	}
	close(r->fd);
	r->fd = fd;
}

int audit_open(struct audit_log *r, const char *dir, struct failure *f)
{
	off_t size;

	r->fd = -1;
	r->most = AUDIT_FILE_MAX;
	r->seq = 0;
	memset(r->hash, '0', 64);
	r->hash[64] = '\0';
	r->dir = path_private_dir(dir, f);
	if (r->dir < 0)
		return -1;
	r->fd = open_log_file(r, RECORD, O_RDWR | O_APPEND | O_CREAT, &size);
	if (r->fd < 0 && errno == EINVAL) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s/record.jsonl is no regular file", dir);
		goto bad;
	}
	if (r->fd < 0) {
		fail_errno(f, NULL, "%s/record.jsonl", dir);
		goto bad;
	}
	/* One writer: two would each chain to what it last wrote itself. */
	if (flock(r->fd, LOCK_EX | LOCK_NB) != 0) {
		fail_set(f, FAIL_BUSY, NULL, "another broker writes %s/record.jsonl", dir);
		goto bad;
	}
	if (size > 0 && read_chain_end(r, r->fd, RECORD, size, f) != 0)
		goto bad;
	if (r->seq == 0 && read_old_chain_end(r, f) != 0)
		goto bad;
	return 0;
bad:
	audit_close(r);
	return -1;
}

void audit_close(struct audit_log *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->dir >= 0)
		close(r->dir);
	r->fd = r->dir = -1;
}

int audit_write(struct audit_log *r, const struct audit_event *e, struct failure *f)
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
	n = snprintf(head, sizeof(head), "{\"seq\":%llu,\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"",
		     (unsigned long long)r->seq + 1, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		     tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
	line_add(&l, head, (size_t)n);
	line_add_text(&l, "event", e->event);
	line_add_text(&l, "result", e->result);
	if (e->pid)
		snprintf(pid, sizeof(pid), "%d", (int)e->pid);
	line_add_text(&l, "pid", pid);
	line_add_text(&l, "provider", e->provider);
	line_add_text(&l, "entries", e->entries);
	line_add_text(&l, "session", e->session);
	line_add_text(&l, "image", e->image);
	line_add_text(&l, "why", e->why);
	blake2b_256(hash, r->hash, 64, l.text, l.n);
	hex_encode(hex, hash, sizeof(hash));
	line_add(&l, ",\"hash\":\"", 9);
	line_add(&l, hex, 64);
	line_add(&l, "\"}\n", 3);

	before = lseek(r->fd, 0, SEEK_END);
	if (before >= r->most) {
		rotate_log(r);
		before = lseek(r->fd, 0, SEEK_END);
	}
	do
		w = write(r->fd, l.text, l.n);
	while (w < 0 && errno == EINTR);
	if (w != (ssize_t)l.n) {
		if (w >= 0) /* a part of it: take it back */
			errno = before >= 0 && ftruncate(r->fd, before) == 0 ? ENOSPC : EIO;
		return fail_errno(f, "make room on the disk; nothing is released without a record",
				  "cannot write the record");
	}
	r->seq++;
	memcpy(r->hash, hex, sizeof(hex));
	return 0;
}

ssize_t audit_read(const struct audit_log *r, bool old, uint64_t at, void *out, size_t n, uint64_t *size,
		    struct failure *f)
{
	ssize_t got = 0;
	off_t whole;
	int fd;

	*size = 0;
	fd = open_log_file(r, old ? RECORD_OLD : RECORD, O_RDONLY, &whole);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "the record");
	*size = (uint64_t)whole;
	if (at < *size)
		got = pread(fd, out, n, (off_t)at);
	if (got < 0)
		fail_errno(f, NULL, "the record");
	close(fd);
	return got;
}
