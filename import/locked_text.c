/*
 * import/locked_text.c - a file that may hold a secret, in locked memory.
 */
#include "import/locked_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/locked.h"
#include "base/utf8.h"

#define READ_DEADLINE_MS 10000 /* a home directory may be on a slow network */

int locked_text_new(struct locked_text *t, size_t room, struct failure *f)
{
	void *p = locked_map(room + 1, NULL);

	memset(t, 0, sizeof(*t));
	if (!p)
		return fail_set(f, FAIL_NOT_LOCKED_MEM, "ulimit -l says how much may be locked",
				"%zu bytes cannot be kept in locked memory", room);
	t->p = p;
	t->room = room;
	return 0;
}

void locked_text_free(struct locked_text *t)
{
	locked_unmap(t->p, t->room + 1);
	memset(t, 0, sizeof(*t));
}

static int text_check_plain(const char *path, const struct locked_text *t, struct failure *f)
{
	if (memchr(t->p, 0, t->n))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s: binary", path);
	if (!utf8_valid(t->p, t->n))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s: no UTF-8", path);
	return 0;
}

static int text_read_fd(int fd, const char *path, struct locked_text *t, const struct stat *st,
			struct failure *f)
{
	ssize_t n;

	if (!S_ISREG(st->st_mode))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s: no regular file", path);
	if (st->st_size > LOCKED_TEXT_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s: larger than %d bytes", path,
				LOCKED_TEXT_MAX);
	if (locked_text_new(t, (size_t)st->st_size, f) != 0)
		return -1;
	n = io_read_all(fd, t->p, t->room, clock_now_ms() + READ_DEADLINE_MS);
	if (n < 0 && errno == EFBIG)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s: it grew while it was read", path);
	if (n < 0)
		return fail_errno(f, NULL, "%s", path);
	t->n = (size_t)n;
	return 0;
}

enum locked_text_result locked_text_read(const char *path, bool plain, struct locked_text *t,
					 struct stat *st, struct failure *f)
{
	struct stat own;
	int fd, r = -1;

	memset(t, 0, sizeof(*t));
	st = st ? st : &own;
	/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return LOCKED_TEXT_NONE;
	if (fd < 0) {
		fail_errno(f, NULL, "%s", path);
		return LOCKED_TEXT_FAILED;
	}
	if (fstat(fd, st) != 0)
		fail_errno(f, NULL, "%s", path);
	else
		r = text_read_fd(fd, path, t, st, f);
	if (r == 0 && plain)
		r = text_check_plain(path, t, f);
	close(fd);
	if (r != 0)
		locked_text_free(t);
	return r == 0 ? LOCKED_TEXT_READ : LOCKED_TEXT_FAILED;
}
