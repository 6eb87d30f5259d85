/*
 * git/git_index.c - are tracked files changed?  Reads the index
 * (gitformat-index(5), versions 2 to 4) and compares each entry with lstat(2).
 *
 * The index is read in pieces and not mapped: a file that is truncated while it is
 * mapped kills the program, and pieces take less memory.  Every number in it may
 * be an attacker's; the checksum is not verified.
 *
 * What lstat() cannot tell counts as unchanged: a file that was written in the
 * same tick of the clock as the index ("racily clean") and has the old size.
 * Nothing is hashed, no object is read: whether the index is HEAD's tree is told by
 * its TREE extension, whose root git invalidates with every change that is staged.
 */
#include "git/git_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "git/git_config.h"
#include "git/git_file.h"

#define DEPTH_MAX 64   /* nested directories; each takes a descriptor */
#define WINDOW 65536   /* bytes of the file that are in memory */
#define ENTRY_HEAD 40  /* ten numbers before the object's id */
#define CLOCK_EVERY 64 /* entries between two looks at the clock */

#define FLAG_VALID 0x8000u /* assume-unchanged */
#define FLAG_EXTENDED 0x4000u
#define FLAG_STAGE 0x3000u
#define FLAG_NAME 0x0fffu
#define EXTENDED_SKIP_WORKTREE 0x4000u
#define EXTENDED_INTENT_TO_ADD 0x2000u

#define MODE_LINK 0xa000u
#define MODE_FILE 0x8000u
#define MODE_DIR 0x4000u     /* a directory that a sparse checkout leaves out */
#define MODE_GITLINK 0xe000u /* a submodule */

struct index_entry {
	uint32_t mtime, nsec, mode, size;
	unsigned flags, extended;
};

struct index {
	const struct git_index_query *query;
	int fd;
	uint64_t size; /* of the file, without the checksum */
	uint64_t from; /* where the window begins */
	size_t have;   /* bytes in the window */
	uint8_t window[WINDOW];

	uint64_t at; /* the next entry; after the last one, the extensions */
	unsigned version;
	char name[GIT_PATH]; /* of the current entry */
	size_t name_len;

	uint64_t extensions; /* where they begin, 0: not known yet */
	bool tree;	     /* there is a TREE extension */
	bool staged;	     /* its root is invalid: something is staged */
	bool unknown;	     /* something was found that cannot be judged */

	/* The directories of the last entry that was compared, opened: [0] is the work tree. */
	int dir[DEPTH_MAX + 1];
	size_t dir_end[DEPTH_MAX + 1]; /* the length of its path in dir_name */
	unsigned depth;
	char dir_name[GIT_PATH];
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* n bytes (at most WINDOW) at offset `at`; NULL: the file has not that many. */
static const uint8_t *index_bytes(struct index *x, uint64_t at, size_t n)
{
	ssize_t r;

	if (at > x->size || n > x->size - at)
		return NULL;
	if (at < x->from || at + n > x->from + x->have) {
		r = io_read_at(x->fd, x->window, sizeof(x->window), (off_t)at);
		x->from = at;
		x->have = r < 0 ? 0 : (size_t)r;
	}
	return n <= x->have ? x->window + (at - x->from) : NULL;
}

/* The same with max bytes, or as many as there are; *n is their number. */
static const uint8_t *index_bytes_up_to(struct index *x, uint64_t at, size_t max, size_t *n)
{
	if (at >= x->size)
		return NULL;
	*n = x->size - at < max ? (size_t)(x->size - at) : max;
	return index_bytes(x, at, *n);
}

/* ---- extensions ---- */

/* TREE begins with the root: an empty name, NUL, the number of entries (-1: invalid). */
static void tree_read(struct index *x, uint64_t at, uint32_t len)
{
	const uint8_t *p = len >= 4 ? index_bytes(x, at, 4) : NULL;

	if (!p || p[0] != '\0' || ((p[1] < '0' || p[1] > '9') && p[1] != '-'))
		return;
	x->tree = true;
	x->staged = p[1] == '-';
}

static void extensions_read(struct index *x, uint64_t at)
{
	const uint8_t *p;
	uint32_t len;

	x->extensions = at;
	while ((p = index_bytes(x, at, 8)) != NULL) {
		len = be32(p + 4);
		if (len > x->size - at - 8) {
			x->unknown = true;
			return;
		}
		if (memcmp(p, "TREE", 4) == 0) {
			tree_read(x, at + 8, len);
		} else if (p[0] < 'A' || p[0] > 'Z') {
			/* Lower case: not optional.  "link": most entries are in another
			 * file; "sdir": some entries are directories, which are handled. */
			x->unknown |= memcmp(p, "sdir", 4) != 0;
		}
		at += 8 + (uint64_t)len;
	}
	x->unknown |= at != x->size;
}

/* With an EOIE extension at the end, read the extensions before the entries: when
 * something is staged, no file needs to be looked at. */
static void extensions_find(struct index *x)
{
	uint32_t len = 4 + x->query->config->hash;
	const uint8_t *p;
	uint32_t at;

	if (x->size < 12 + 8 + len)
		return;
	p = index_bytes(x, x->size - len - 8, 8 + len);
	if (!p || memcmp(p, "EOIE", 4) != 0 || be32(p + 4) != len)
		return;
	at = be32(p + 8);
	if (at >= 12 && at <= x->size - len - 8)
		extensions_read(x, at);
}

/* ---- entries ---- */

/* Version 4: how many bytes to drop from the previous name.  false: malformed. */
static bool varint_read(const uint8_t **p, const uint8_t *end, size_t *v)
{
	uint8_t c;

	if (*p >= end)
		return false;
	c = *(*p)++;
	*v = c & 127;
	while (c & 128) {
		if (*p >= end || *v > GIT_PATH)
			return false;
		c = *(*p)++;
		*v = ((*v + 1) << 7) + (c & 127);
	}
	return true;
}

static bool entry_read_name(struct index *x, const struct index_entry *e, const uint8_t *p,
			    const uint8_t *end, const uint8_t **after)
{
	size_t drop = 0, keep = 0, len;
	const uint8_t *nul;

	if (x->version == 4) {
		if (!varint_read(&p, end, &drop) || drop > x->name_len)
			return false;
		keep = x->name_len - drop;
	}
	nul = memchr(p, '\0', (size_t)(end - p));
	if (!nul)
		return false;
	len = (size_t)(nul - p);
	if (keep + len == 0 || keep + len >= sizeof(x->name))
		return false;
	memcpy(x->name + keep, p, len + 1);
	x->name_len = keep + len;
	*after = nul + 1;
	len = e->flags & FLAG_NAME;
	return len == FLAG_NAME ? x->name_len >= len : x->name_len == len;
}

/* The entry at x->at, which is moved behind it.  false: malformed. */
static bool entry_read(struct index *x, struct index_entry *e)
{
	size_t head = ENTRY_HEAD + x->query->config->hash + 2, n;
	const uint8_t *p = index_bytes_up_to(x, x->at, head + 2 + 8 + GIT_PATH, &n), *begin = p,
		      *after;

	if (!p || n < head + 2)
		return false;
	e->mtime = be32(p + 8);
	e->nsec = be32(p + 12);
	e->mode = be32(p + 24);
	e->size = be32(p + 36);
	e->flags = be16(p + head - 2);
	e->extended = 0;
	if (e->flags & FLAG_EXTENDED) {
		if (x->version < 3)
			return false;
		e->extended = be16(p + head);
		head += 2;
	}
	if (!entry_read_name(x, e, p + head, begin + n, &after))
		return false;
	if (x->version == 4)
		x->at += (uint64_t)(after - begin);
	else
		x->at += (head + x->name_len + 8) & ~(size_t)7;
	return true;
}

/* ---- the work tree ---- */

/* Close the directories below that depth. */
static void dirs_leave(struct index *x, unsigned depth)
{
	while (x->depth > depth)
		close(x->dir[x->depth--]);
}

/* Does errno say that the file is not in the work tree? */
static bool errno_is_missing(void)
{
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
}

/*
 * Open the directories of the current entry, following no symbolic link: what is
 * behind one is not tracked.  Entries are sorted, so each directory is opened
 * once.  Returns the last component of the entry's name, or NULL with errno
 * (EINVAL: an empty component, "." or "..").
 */
static const char *dirs_enter(struct index *x)
{
	const char *slash = x->name, *begin;
	unsigned d = 0;

	while (d < x->depth && x->dir_end[d + 1] < x->name_len &&
	       x->name[x->dir_end[d + 1]] == '/' &&
	       memcmp(x->name, x->dir_name, x->dir_end[d + 1]) == 0)
		d++;
	dirs_leave(x, d);
	for (begin = x->name + (d ? x->dir_end[d] + 1 : 0);; begin = slash + 1) {
		slash = strchrnul(begin, '/');
		if (slash == begin || strncmp(begin, "./", 2) == 0 ||
		    strncmp(begin, "../", 3) == 0 || strcmp(begin, ".") == 0 ||
		    strcmp(begin, "..") == 0) {
			errno = EINVAL;
			return NULL;
		}
		if (*slash == '\0')
			return begin;
		if (x->depth == DEPTH_MAX) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		memcpy(x->dir_name, x->name, (size_t)(slash - x->name));
		x->dir_name[slash - x->name] = '\0';
		d = x->depth + 1;
		x->dir[d] = openat(x->dir[d - 1], x->dir_name + (begin - x->name),
				   O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (x->dir[d] < 0)
			return NULL;
		x->dir_end[d] = (size_t)(slash - x->name);
		x->depth = d;
	}
}

/* Does the file differ from what the index says of it? */
static bool entry_differs(const struct git_config *c, const struct index_entry *e,
			  const struct stat *st)
{
	bool link = (e->mode & 0xf000u) == MODE_LINK;
	uint32_t nsec = (uint32_t)st->st_mtim.tv_nsec;

	if (link ? !S_ISLNK(st->st_mode) && (c->symlinks || !S_ISREG(st->st_mode))
		 : !S_ISREG(st->st_mode))
		return true;
	if (!link && c->filemode && !(e->mode & 0100) != !(st->st_mode & 0100))
		return true;
	if ((uint32_t)st->st_size != e->size || (uint32_t)st->st_mtim.tv_sec != e->mtime)
		return true;
	return !c->whole_seconds && nsec && e->nsec && nsec != e->nsec;
}

static enum git_dirty entry_check(struct index *x, const struct index_entry *e)
{
	const char *leaf;
	struct stat st;

	if (e->flags & FLAG_STAGE)
		return GIT_DIRTY; /* a conflict */
	if (e->extended & EXTENDED_INTENT_TO_ADD)
		return GIT_DIRTY;
	if ((e->flags & FLAG_VALID) || (e->extended & EXTENDED_SKIP_WORKTREE))
		return GIT_CLEAN;
	switch (e->mode & 0xf000u) {
	case MODE_GITLINK:
	case MODE_DIR:
		return GIT_CLEAN;
	case MODE_FILE:
	case MODE_LINK:
		break;
	default:
		return GIT_UNKNOWN;
	}
	leaf = dirs_enter(x);
	if (!leaf || fstatat(x->dir[x->depth], leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno_is_missing() ? GIT_DIRTY : GIT_UNKNOWN;
	/* No stat data yet (read-tree): git would compare the contents. */
	if (e->mtime == 0 && e->size == 0 && e->nsec == 0)
		return GIT_UNKNOWN;
	return entry_differs(x->query->config, e, &st) ? GIT_DIRTY : GIT_CLEAN;
}

/* ---- the verdict ---- */

/* ENOENT only: with reftable refs/heads is a file, and the error ENOTDIR. */
static bool is_absent(const char *dir, const char *name)
{
	char path[GIT_PATH];

	return git_path_join(path, dir, name) && access(path, F_OK) != 0 && errno == ENOENT;
}

/* Has the branch no commit yet, so that all of the index is staged?  false when in doubt. */
static bool branch_is_unborn(const struct git_index_query *query)
{
	return query->ref && is_absent(query->common, query->ref) &&
	       is_absent(query->common, "packed-refs");
}

/* Its version and number of entries, and x->at at the first.  False: not to be read. */
static bool index_begin(struct index *x, uint32_t *count)
{
	const uint8_t *p = index_bytes(x, 0, 12);

	if (!p || memcmp(p, "DIRC", 4) != 0)
		return false;
	x->version = be32(p + 4);
	*count = be32(p + 8);
	x->at = 12;
	return x->version >= 2 && x->version <= 4;
}

static enum git_dirty index_check(struct index *x)
{
	int64_t deadline = clock_now_ms() + x->query->budget_ms;
	uint32_t count, i;
	enum git_dirty result;
	struct index_entry e;

	if (!index_begin(x, &count))
		return GIT_UNKNOWN;
	extensions_find(x);
	if (x->staged && !x->unknown)
		return GIT_DIRTY;
	for (i = 0; i < count; i++) {
		if (i % CLOCK_EVERY == 0 && clock_now_ms() >= deadline)
			return GIT_UNKNOWN;
		if (!entry_read(x, &e))
			return GIT_UNKNOWN;
		result = entry_check(x, &e);
		if (result == GIT_DIRTY)
			return result;
		x->unknown |= result == GIT_UNKNOWN;
	}
	/* EOIE may lie: what counts is what follows the last entry. */
	if (x->extensions != x->at) {
		x->tree = x->staged = false;
		extensions_read(x, x->at);
	}
	if (x->staged && !x->unknown)
		return GIT_DIRTY;
	if (!x->tree && count > 0)
		return branch_is_unborn(x->query) ? GIT_DIRTY : GIT_UNKNOWN;
	return x->unknown ? GIT_UNKNOWN : GIT_CLEAN;
}

/* False with errno: it cannot be opened. */
static bool index_open(struct index *x, const struct git_index_query *query)
{
	struct stat st;

	x->fd = git_file_open(query->git_dir, "index", true, &st);
	if (x->fd < 0)
		return false;
	x->query = query;
	x->size = (uint64_t)st.st_size > query->config->hash
			  ? (uint64_t)st.st_size - query->config->hash
			  : 0;
	x->from = x->at = x->extensions = 0;
	x->have = x->name_len = 0;
	x->tree = x->staged = x->unknown = false;
	x->depth = 0;
	return true;
}

int git_index_has(const struct git_index_query *query, const char *name)
{
	static struct index x;
	int64_t deadline = clock_now_ms() + query->budget_ms;
	struct index_entry e;
	uint32_t count, i;
	int r = -1;

	if (!index_open(&x, query))
		return errno == ENOENT ? 0 : -1;
	if (index_begin(&x, &count)) {
		for (i = 0; i < count && clock_now_ms() < deadline && entry_read(&x, &e); i++)
			if (strcmp(x.name, name) == 0)
				break;
		if (i < count) {
			r = strcmp(x.name, name) == 0 ? 1 : -1;
		} else {
			/* Others may be in another file. */
			extensions_read(&x, x.at);
			r = x.unknown ? -1 : 0;
		}
	}
	close(x.fd);
	return r;
}

enum git_dirty git_index_check(const struct git_index_query *query)
{
	static struct index x;
	enum git_dirty result;

	if (query->budget_ms <= 0)
		return GIT_UNKNOWN;
	if (!index_open(&x, query))
		return errno == ENOENT && branch_is_unborn(query) ? GIT_CLEAN : GIT_UNKNOWN;
	x.dir[0] = open(query->top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	result = x.dir[0] < 0 ? GIT_UNKNOWN : index_check(&x);
	dirs_leave(&x, 0);
	if (x.dir[0] >= 0)
		close(x.dir[0]);
	close(x.fd);
	return result;
}
