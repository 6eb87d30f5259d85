/*
 * tests/fuzz/fuzz_git.c - damaged .git directories through their reader.
 *
 *   fuzz_git SECONDS [FIRST]
 *
 * A small tree in a temporary directory, whose files are damaged in ways that
 * come from a fixed sequence (round N is the same in every run; FIRST begins
 * there).  Built with the sanitizers; what it checks itself aborts with the
 * round's number and leaves the directory.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "statusline/git.h"
#include "statusline/git_parts.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define ROOM 8192
#define TRACKED 3

enum { HEAD, GITFILE, COMMONDIR, CONFIG, INDEX2, INDEX3, INDEX4, FILES };

static struct seed {
	const char *path;
	uint8_t p[ROOM];
	size_t n;
} seeds[FILES] = {
	[HEAD] = { .path = "r/.git/HEAD" },	[GITFILE] = { .path = "w/.git" },
	[COMMONDIR] = { .path = "r/.git/worktrees/w/commondir" },
	[CONFIG] = { .path = "r/.git/config" }, [INDEX2] = { .path = "r/.git/index" },
	[INDEX3] = { .path = "r/.git/index" },	[INDEX4] = { .path = "r/.git/index" },
};
static const char *const tracked[TRACKED] = { "d/e/one", "d/e/two", "link" };

static char base[64];
static uint64_t number, found, clean, dirty, pages;
static uint64_t rnd_state; /* splitmix64 */

static uint64_t rnd(void)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return n ? (size_t)(rnd() % n) : 0;
}

#define MUST(c)                                                                                               \
	do {                                                                                                  \
		if (!(c)) {                                                                                   \
			fprintf(stderr, "fuzz_git: round %llu in %s: %s\n", (unsigned long long)number, base, \
				#c);                                                                          \
			abort();                                                                              \
		}                                                                                             \
	} while (0)

/* ---- what to begin with ---- */

static const char *at(const char *leaf)
{
	static char path[2][256];
	static unsigned i;
	char *p = path[i++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s", base, leaf);
	return p;
}

static void put(const char *leaf, const void *data, size_t n)
{
	int fd;

	/* A new one: to cut off an old one makes a disk's file system write it out. */
	unlink(at(leaf));
	fd = open(at(leaf), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
}

static void text(struct seed *s, const char *t)
{
	s->n = strlen(t);
	memcpy(s->p, t, s->n);
}

static void be32(struct seed *s, uint32_t v)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		s->p[s->n++] = (uint8_t)(v >> (24 - 8 * i));
}

static void add(struct seed *s, const void *p, size_t n)
{
	memcpy(s->p + s->n, p, n);
	s->n += n;
}

static void entry(struct seed *s, unsigned version, unsigned which, size_t shared, size_t drop)
{
	size_t from = s->n, len = strlen(tracked[which]);
	char path[64];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "r/%s", tracked[which]);
	MUST(lstat(at(path), &st) == 0);
	be32(s, 1);
	be32(s, 1);
	be32(s, (uint32_t)st.st_mtim.tv_sec);
	be32(s, (uint32_t)st.st_mtim.tv_nsec);
	be32(s, 1);
	be32(s, 1);
	be32(s, S_ISLNK(st.st_mode) ? 0120000 : 0100644);
	be32(s, 0);
	be32(s, 0);
	be32(s, (uint32_t)st.st_size);
	add(s, "abcdefghijabcdefghij", 20);
	s->p[s->n++] = version == 3 ? 0x40 : 0;
	s->p[s->n++] = (uint8_t)len;
	if (version == 3)
		add(s, "\0\0", 2);
	if (version == 4)
		s->p[s->n++] = (uint8_t)drop;
	else
		shared = 0;
	add(s, tracked[which] + shared, len - shared + 1);
	while (version != 4 && (s->n - from) % 8 != 0)
		s->p[s->n++] = 0;
}

static void index_seed(struct seed *s, unsigned version)
{
	uint32_t end;

	add(s, "DIRC", 4);
	be32(s, version);
	be32(s, TRACKED);
	entry(s, version, 0, 0, 0);
	entry(s, version, 1, 4, 3);
	entry(s, version, 2, 0, 7);
	end = (uint32_t)s->n;
	add(s, "TREE\0\0\0\x19\0" "3 0\nabcdefghijabcdefghij", 33);
	add(s, "EOIE\0\0\0\x18", 8);
	be32(s, end);
	add(s, "abcdefghijabcdefghij", 20);
	add(s, "abcdefghijabcdefghij", 20);
}

static void make_tree(void)
{
	static const char *const dirs[] = { "r",	  "r/d",	   "r/d/e",		 "r/.git", "r/.git/objects",
					    "r/.git/refs", "r/.git/worktrees", "r/.git/worktrees/w", "w" };
	unsigned i;

	snprintf(base, sizeof(base), "/dev/shm/fuzz_git.XXXXXX");
	if (!mkdtemp(base)) {
		snprintf(base, sizeof(base), "/tmp/fuzz_git.XXXXXX");
		MUST(mkdtemp(base) != NULL);
	}
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		MUST(mkdir(at(dirs[i]), 0755) == 0);
	put("r/d/e/one", "1", 1);
	put("r/d/e/two", "22", 2);
	MUST(symlink("d/e/one", at("r/link")) == 0);
	put("r/.git/worktrees/w/HEAD", "ref: refs/heads/side\n", 21);
	text(&seeds[HEAD], "ref: refs/heads/main\n");
	text(&seeds[GITFILE], "gitdir: ../r/.git/worktrees/w\n");
	text(&seeds[COMMONDIR], "../..\n");
	text(&seeds[CONFIG], "[core]\n\tbare = false\n\tfilemode = true\n\tworktree = \"../../r\"\n[remote \"origin\"]\n"
			     "\turl = https://user:SECRET@example.com/owner/repo.git # c\n"
			     "\tfetch = +refs/heads/*:refs/remotes/origin/* \\\n\n[extensions]\n\tobjectformat = sha1\n");
	index_seed(&seeds[INDEX2], 2);
	index_seed(&seeds[INDEX3], 3);
	index_seed(&seeds[INDEX4], 4);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* ---- damaging ---- */

static void insert(uint8_t *p, size_t *n, size_t where, const uint8_t *from, size_t len)
{
	if (*n + len > ROOM)
		return;
	memmove(p + where + len, p + where, *n - where);
	memcpy(p + where, from, len);
	*n += len;
}

static void damage(uint8_t *p, size_t *n)
{
	static const char *const words[] = { "../", "/", "\n", "\r\n", "[", "]", "\"", "\\", "@", ":", "=", "ref: ", ID,
					     "gitdir: ", "TREE", "link", "sdir", "EOIE", "\xff\xff\xff\xff",
					     "\x7f\xff\xff\xff", "[core]\nworktree=/\n", "https://", "\xc3", "refs/" };
	const struct seed *s = &seeds[below(FILES)];
	size_t where = below(*n), len = below(*n - where) + 1, from;
	uint8_t copy[64] = { 0 };
	const char *w;

	if (*n == 0)
		return;
	switch (below(8)) {
	case 0:
		p[where] = (uint8_t)(p[where] ^ 1u << below(8));
		break;
	case 1:
		p[where] = (uint8_t)rnd();
		break;
	case 2: /* cut */
		*n = where;
		break;
	case 3: /* take out */
		memmove(p + where, p + where + len, *n - where - len);
		*n -= len;
		break;
	case 4: /* double a piece */
		len = len > sizeof(copy) ? sizeof(copy) : len;
		memcpy(copy, p + where, len);
		insert(p, n, where, copy, len);
		break;
	case 5: /* a piece of another file */
		from = below(s->n);
		len = below(s->n - from) + 1;
		insert(p, n, where, s->p + from, len);
		break;
	case 6:
		w = words[below(sizeof(words) / sizeof(words[0]))];
		insert(p, n, where, (const uint8_t *)w, strlen(w));
		break;
	default: /* NULs */
		insert(p, n, where, copy, below(9));
	}
}

/* ---- reading ---- */

static void look(const char *leaf)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+:/";
	struct git_look l = { .dir = at(leaf), .want_dirty = true, .budget_ms = 10000 };
	struct git_found g;

	memset(&g, 0xee, sizeof(g));
	git_look_at(&l, &g);
	MUST(memchr(g.branch, 0, sizeof(g.branch)) && memchr(g.repo, 0, sizeof(g.repo)) &&
	     memchr(g.url, 0, sizeof(g.url)));
	MUST(g.url[0] == '\0' || strncmp(g.url, "https://", 8) == 0);
	MUST(g.url[strspn(g.url, safe)] == '\0' && !strstr(g.url, "/../"));
	MUST(g.found || (!g.branch[0] && !g.repo[0] && !g.url[0] && g.dirty == GIT_UNKNOWN));
	MUST(!g.found || g.repo[0]);
	found += g.found;
	clean += g.dirty == GIT_CLEAN;
	dirty += g.dirty == GIT_DIRTY;
	pages += g.url[0] != '\0';
}

/* Put into blocks of exactly their size: a byte read too many is seen. */
static void read_config(const uint8_t *p, size_t n)
{
	struct git_config c;
	char *exact = malloc(n ? n : 1), out[64];

	MUST(exact != NULL);
	memcpy(exact, p, n);
	git_config_parse(exact, n, &c);
	MUST(memchr(c.url, 0, sizeof(c.url)) && memchr(c.worktree, 0, sizeof(c.worktree)));
	git_page(c.url, out, sizeof(out));
	MUST(strlen(out) < sizeof(out));
	free(exact);
}

static void one(void)
{
	static uint8_t work[ROOM];
	unsigned which, index = INDEX2 + (unsigned)(number % 3);
	size_t n, i, times;
	struct seed *s;

	rnd_state = number * 0xd1342543de82ef95u;
	which = (unsigned)below(FILES);
	s = &seeds[which];
	put(seeds[index].path, seeds[index].p, seeds[index].n);
	n = s->n;
	memcpy(work, s->p, n);
	times = number < FILES ? 0 : 1 + below(5);
	for (i = 0; i < times; i++)
		damage(work, &n);
	put(s->path, work, n);
	look("r/d");
	look("w");
	if (number < FILES)
		MUST(found == 2 * (number + 1) && clean == found);
	if (which == CONFIG)
		read_config(work, n);
	put(s->path, s->p, s->n);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	int64_t end = io_now_ms() + (int64_t)(seconds * 1000);
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	unsigned i;

	if (seconds <= 0) {
		fputs("usage: fuzz_git SECONDS [FIRST]\n", stderr);
		return EXIT_USAGE;
	}
	make_tree();
	for (i = 0; i < FILES; i++)
		put(seeds[i].path, seeds[i].p, seeds[i].n);
	for (number = first; number < first + 1000 || io_now_ms() < end; number++)
		one();
	printf("fuzz_git: %llu rounds: %llu repositories, %llu pages, %llu clean, %llu dirty\n",
	       (unsigned long long)(number - first), (unsigned long long)found, (unsigned long long)pages,
	       (unsigned long long)clean, (unsigned long long)dirty);
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? EXIT_DONE : EXIT_FAILED;
}
