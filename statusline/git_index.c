/*
 * statusline/git_index.c - are tracked files changed?  Reads the index
 * (versions 2 to 4) and asks lstat() of each entry.
 *
 * Read piece by piece and not mapped: a file that somebody cuts off while it is
 * mapped ends the program, and the pieces take less memory.  Every number in it
 * is taken for hostile; the checksum is not looked at.
 *
 * What lstat() cannot tell is taken for unchanged: a file that was written in the
 * same moment as the index ("racily clean") and has the old size.  Nothing is
 * hashed, no object is read: whether the index is HEAD's tree is told by its TREE
 * extension, whose root git invalidates with every change that is staged.
 */
#include "statusline/git_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "statusline/git_status.h"

#define DEPTH_MAX 64   /* directories in each other: as many descriptors */
#define WINDOW 65536   /* of the file, in memory */
#define ENTRY_HEAD 40  /* ten numbers before the object's name */
#define CLOCK_EVERY 64 /* entries */

#define FLAG_VALID 0x8000u /* assume-unchanged */
#define FLAG_EXTENDED 0x4000u
#define FLAG_STAGE 0x3000u
#define FLAG_NAME 0x0fffu
#define MORE_SKIP_WORKTREE 0x4000u
#define MORE_INTENT_TO_ADD 0x2000u

#define MODE_LINK 0xa000u
#define MODE_FILE 0x8000u
#define MODE_DIR 0x4000u  /* a whole directory, left out of a sparse checkout */
#define MODE_GITLINK 0xe000u

struct entry {
	uint32_t mtime, nsec, mode, size;
	unsigned flags, more;
};

struct index {
	const struct git_index_ask *ask;
	int fd;
	uint64_t size; /* of the file, without the checksum */
	uint64_t from; /* where the window begins */
	size_t have;   /* bytes in the window */
	uint8_t window[WINDOW];

	uint64_t at; /* the next entry, at last the extensions */
	unsigned version;
	char name[GIT_PATH]; /* of the entry at hand */
	size_t name_len;

	uint64_t extensions; /* where they were found, 0: nowhere yet */
	bool tree, staged, unknown;

	/* The directories of the entry before: the work tree, and those in it. */
	int dir[DEPTH_MAX + 1];
	size_t dir_end[DEPTH_MAX + 1]; /* of its path in dir_name */
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

/* n bytes (at most half a window) from `at` on; NULL: the file has not that many. */
static const uint8_t *bytes(struct index *x, uint64_t at, size_t n)
{
	ssize_t r;

	if (at > x->size || n > x->size - at)
		return NULL;
	if (at < x->from || at + n > x->from + x->have) {
		r = pread(x->fd, x->window, sizeof(x->window), (off_t)at);
		x->from = at;
		x->have = r < 0 ? 0 : (size_t)r;
	}
	return n <= x->have ? x->window + (at - x->from) : NULL;
}

/* As many as there are up to max; *n is their number. */
static const uint8_t *some_bytes(struct index *x, uint64_t at, size_t max, size_t *n)
{
	if (at >= x->size)
		return NULL;
	*n = x->size - at < max ? (size_t)(x->size - at) : max;
	return bytes(x, at, *n);
}

/* ---- extensions ---- */

/* The root: an empty name, the number of entries (-1: no longer valid), ... */
static void read_tree(struct index *x, uint64_t at, uint32_t len)
{
	const uint8_t *p = len >= 4 ? bytes(x, at, 4) : NULL;

	if (!p || p[0] != '\0' || ((p[1] < '0' || p[1] > '9') && p[1] != '-'))
		return;
	x->tree = true;
	x->staged = p[1] == '-';
}

static void read_extensions(struct index *x, uint64_t at)
{
	const uint8_t *p;
	uint32_t len;

	x->extensions = at;
	while ((p = bytes(x, at, 8)) != NULL) {
		len = be32(p + 4);
		if (len > x->size - at - 8) {
			x->unknown = true;
			return;
		}
		if (memcmp(p, "TREE", 4) == 0) {
			read_tree(x, at + 8, len);
		} else if (p[0] < 'A' || p[0] > 'Z') {
			/* Those must be understood.  link: most entries are in another
			 * file; sdir: there are directories among the entries. */
			x->unknown |= memcmp(p, "sdir", 4) != 0;
		}
		at += 8 + (uint64_t)len;
	}
	x->unknown |= at != x->size;
}

/* The last extension says where they begin, so that what is staged is known first. */
static void find_extensions(struct index *x)
{
	uint32_t len = 4 + x->ask->config->hash;
	const uint8_t *p;
	uint32_t at;

	if (x->size < 12 + 8 + len)
		return;
	p = bytes(x, x->size - len - 8, 8 + len);
	if (!p || memcmp(p, "EOIE", 4) != 0 || be32(p + 4) != len)
		return;
	at = be32(p + 8);
	if (at >= 12 && at <= x->size - len - 8)
		read_extensions(x, at);
}

/* ---- entries ---- */

/* Version 4: how many bytes of the name before are dropped; false: too long a number. */
static bool varint(const uint8_t **p, const uint8_t *end, size_t *v)
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

static bool read_name(struct index *x, const struct entry *e, const uint8_t *p, const uint8_t *end,
		      const uint8_t **after)
{
	size_t drop = 0, keep = 0, len;
	const uint8_t *nul;

	if (x->version == 4) {
		if (!varint(&p, end, &drop) || drop > x->name_len)
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

/* The entry at x->at, which moves on.  false: damaged. */
static bool read_entry(struct index *x, struct entry *e)
{
	size_t head = ENTRY_HEAD + x->ask->config->hash + 2, n;
	const uint8_t *p = some_bytes(x, x->at, head + 2 + 8 + GIT_PATH, &n), *begin = p, *after;

	if (!p || n < head + 2)
		return false;
	e->mtime = be32(p + 8);
	e->nsec = be32(p + 12);
	e->mode = be32(p + 24);
	e->size = be32(p + 36);
	e->flags = be16(p + head - 2);
	e->more = 0;
	if (e->flags & FLAG_EXTENDED) {
		if (x->version < 3)
			return false;
		e->more = be16(p + head);
		head += 2;
	}
	if (!read_name(x, e, p + head, begin + n, &after))
		return false;
	if (x->version == 4)
		x->at += (uint64_t)(after - begin);
	else
		x->at += (head + x->name_len + 8) & ~(size_t)7;
	return true;
}

/* ---- the work tree ---- */

static void leave(struct index *x, unsigned depth)
{
	while (x->depth > depth)
		close(x->dir[x->depth--]);
}

static bool gone(void)
{
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
}

/*
 * Go to the directory of the entry at hand, through no symbolic link: behind one
 * are files that are not tracked.  Entries are sorted, so each directory is opened
 * once.  Returns the name in it, or NULL with errno (EINVAL: no good name).
 */
static const char *enter(struct index *x)
{
	const char *slash = x->name, *begin;
	unsigned d = 0;

	while (d < x->depth && x->dir_end[d + 1] < x->name_len && x->name[x->dir_end[d + 1]] == '/' &&
	       memcmp(x->name, x->dir_name, x->dir_end[d + 1]) == 0)
		d++;
	leave(x, d);
	for (begin = x->name + (d ? x->dir_end[d] + 1 : 0);; begin = slash + 1) {
		slash = strchrnul(begin, '/');
		if (slash == begin || strncmp(begin, "./", 2) == 0 || strncmp(begin, "../", 3) == 0 ||
		    strcmp(begin, ".") == 0 || strcmp(begin, "..") == 0) {
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

static bool differs(const struct git_config *c, const struct entry *e, const struct stat *st)
{
	bool link = (e->mode & 0xf000u) == MODE_LINK;
	uint32_t nsec = (uint32_t)st->st_mtim.tv_nsec;

	if (link ? !S_ISLNK(st->st_mode) && (c->symlinks || !S_ISREG(st->st_mode)) : !S_ISREG(st->st_mode))
		return true;
	if (!link && c->filemode && !(e->mode & 0100) != !(st->st_mode & 0100))
		return true;
	if ((uint32_t)st->st_size != e->size || (uint32_t)st->st_mtim.tv_sec != e->mtime)
		return true;
	return !c->coarse && nsec && e->nsec && nsec != e->nsec;
}

/* GIT_UNKNOWN: not to be told, the others go on. */
static int look_at_entry(struct index *x, const struct entry *e)
{
	const char *leaf;
	struct stat st;

	if (e->flags & FLAG_STAGE)
		return GIT_DIRTY; /* a conflict */
	if (e->more & MORE_INTENT_TO_ADD)
		return GIT_DIRTY;
	if ((e->flags & FLAG_VALID) || (e->more & MORE_SKIP_WORKTREE))
		return GIT_CLEAN;
	switch (e->mode & 0xf000u) {
	case MODE_GITLINK: /* a submodule: a repository of its own */
	case MODE_DIR:
		return GIT_CLEAN;
	case MODE_FILE:
	case MODE_LINK:
		break;
	default:
		return GIT_UNKNOWN;
	}
	leaf = enter(x);
	if (!leaf || fstatat(x->dir[x->depth], leaf, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return gone() ? GIT_DIRTY : GIT_UNKNOWN;
	/* Never looked at (read-tree): git itself would compare the bytes. */
	if (e->mtime == 0 && e->size == 0 && e->nsec == 0)
		return GIT_UNKNOWN;
	return differs(x->ask->config, e, &st) ? GIT_DIRTY : GIT_CLEAN;
}

/* ---- the verdict ---- */

/* No commit yet, so that whatever is in the index is staged.  False when in doubt. */
static bool unborn(const struct git_index_ask *ask)
{
	char path[GIT_PATH];

	/* In reftable's refs/heads, which is a file, this is another error. */
	return ask->ref && git_join(path, ask->common, ask->ref) && access(path, F_OK) != 0 && errno == ENOENT &&
	       git_join(path, ask->common, "packed-refs") && access(path, F_OK) != 0 && errno == ENOENT;
}

static int look(struct index *x)
{
	int64_t deadline = io_now_ms() + x->ask->budget_ms;
	const uint8_t *p = bytes(x, 0, 12);
	uint32_t count, i;
	struct entry e;
	int r;

	if (!p || memcmp(p, "DIRC", 4) != 0)
		return GIT_UNKNOWN;
	x->version = be32(p + 4);
	count = be32(p + 8);
	if (x->version < 2 || x->version > 4)
		return GIT_UNKNOWN;
	find_extensions(x);
	if (x->staged && !x->unknown)
		return GIT_DIRTY;
	x->at = 12;
	for (i = 0; i < count; i++) {
		if (i % CLOCK_EVERY == 0 && io_now_ms() >= deadline)
			return GIT_UNKNOWN;
		if (!read_entry(x, &e))
			return GIT_UNKNOWN;
		r = look_at_entry(x, &e);
		if (r == GIT_DIRTY)
			return r;
		x->unknown |= r == GIT_UNKNOWN;
	}
	if (x->extensions != x->at) {
		x->tree = x->staged = false;
		read_extensions(x, x->at);
	}
	if (x->staged && !x->unknown)
		return GIT_DIRTY;
	if (!x->tree && count > 0)
		return unborn(x->ask) ? GIT_DIRTY : GIT_UNKNOWN;
	return x->unknown ? GIT_UNKNOWN : GIT_CLEAN;
}

int git_index_look(const struct git_index_ask *ask)
{
	static struct index x;
	struct stat st;
	int r;

	if (ask->budget_ms <= 0)
		return GIT_UNKNOWN;
	x.fd = git_open(ask->git, "index", true, &st);
	if (x.fd < 0)
		return errno == ENOENT && unborn(ask) ? GIT_CLEAN : GIT_UNKNOWN;
	x.ask = ask;
	x.size = (uint64_t)st.st_size > ask->config->hash ? (uint64_t)st.st_size - ask->config->hash : 0;
	x.from = x.at = x.extensions = 0;
	x.have = x.name_len = 0;
	x.tree = x.staged = x.unknown = false;
	x.depth = 0;
	x.dir[0] = open(ask->top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = x.dir[0] < 0 ? GIT_UNKNOWN : look(&x);
	leave(&x, 0);
	if (x.dir[0] >= 0)
		close(x.dir[0]);
	close(x.fd);
	return r;
}
