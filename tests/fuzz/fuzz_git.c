/*
 * tests/fuzz/fuzz_git.c - a file of a .git directory, through the reader of those.
 *
 * A small repository and a worktree of it lie in a temporary directory.  An
 * input's first byte says which of their files it takes the place of ('0' HEAD,
 * '1' the worktree's .git, '2' commondir, '3' config, '4' to '6' an index of
 * version 2 to 4), the second which index is there meanwhile.  An input that
 * aborts leaves the directory.
 *
 * What is checked besides memory: texts end, an address is https and has nothing
 * that a terminal or a browser would take for more, nothing is said of what is
 * no repository.
 *
 * Targets: git/
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/git_config.h"
#include "git/git_status.h"
#include "git/git_url.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_directory.h"

#define ROOM 4096 /* of what the files of the tree have undamaged */
#define TRACKED 3

enum { HEAD, GITFILE, COMMONDIR, CONFIG, INDEX2, INDEX3, INDEX4, FILES };

static struct seed {
	const char *path;
	uint8_t p[ROOM];
	size_t n;
} seeds[FILES] = {
	[HEAD] = { .path = "r/.git/HEAD" },
	[GITFILE] = { .path = "w/.git" },
	[COMMONDIR] = { .path = "r/.git/worktrees/w/commondir" },
	[CONFIG] = { .path = "r/.git/config" },
	[INDEX2] = { .path = "r/.git/index" },
	[INDEX3] = { .path = "r/.git/index" },
	[INDEX4] = { .path = "r/.git/index" },
};
static const char *const tracked[TRACKED] = { "d/e/one", "d/e/two", "link" };

/* ---- the tree ---- */

static const char *tree_path(const char *leaf)
{
	static char path[2][256];
	static unsigned i;
	char *p = path[i++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s", fuzz_directory, leaf);
	return p;
}

static void put_file(const char *leaf, const void *data, size_t n)
{
	int fd;

	/* A new one: to cut off an old one makes a disk's file system write it out. */
	unlink(tree_path(leaf));
	fd = open(tree_path(leaf), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
}

static void seed_text(struct seed *s, const char *t)
{
	s->n = strlen(t);
	memcpy(s->p, t, s->n);
}

static void seed_put32(struct seed *s, uint32_t v)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		s->p[s->n++] = (uint8_t)(v >> (24 - 8 * i));
}

static void seed_add(struct seed *s, const void *p, size_t n)
{
	memcpy(s->p + s->n, p, n);
	s->n += n;
}

/* The same in every run: the corpus has indexes that agree with the tree. */
static void set_time(const char *leaf)
{
	static const struct timespec then[2] = { { 1700000000, 1 }, { 1700000000, 1 } };

	MUST(utimensat(AT_FDCWD, tree_path(leaf), then, AT_SYMLINK_NOFOLLOW) == 0);
}

static void seed_entry(struct seed *s, unsigned version, unsigned which, size_t shared, size_t drop)
{
	size_t from = s->n, len = strlen(tracked[which]);
	char path[64];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "r/%s", tracked[which]);
	set_time(path);
	MUST(lstat(tree_path(path), &st) == 0);
	seed_put32(s, 1);
	seed_put32(s, 1);
	seed_put32(s, (uint32_t)st.st_mtim.tv_sec);
	seed_put32(s, (uint32_t)st.st_mtim.tv_nsec);
	seed_put32(s, 1);
	seed_put32(s, 1);
	seed_put32(s, S_ISLNK(st.st_mode) ? 0120000 : 0100644);
	seed_put32(s, 0);
	seed_put32(s, 0);
	seed_put32(s, (uint32_t)st.st_size);
	seed_add(s, "abcdefghijabcdefghij", 20);
	s->p[s->n++] = version == 3 ? 0x40 : 0;
	s->p[s->n++] = (uint8_t)len;
	if (version == 3)
		seed_add(s, "\0\0", 2);
	if (version == 4)
		s->p[s->n++] = (uint8_t)drop;
	else
		shared = 0;
	seed_add(s, tracked[which] + shared, len - shared + 1);
	while (version != 4 && (s->n - from) % 8 != 0)
		s->p[s->n++] = 0;
}

static void seed_index(struct seed *s, unsigned version)
{
	uint32_t end;

	seed_add(s, "DIRC", 4);
	seed_put32(s, version);
	seed_put32(s, TRACKED);
	seed_entry(s, version, 0, 0, 0);
	seed_entry(s, version, 1, 4, 3);
	seed_entry(s, version, 2, 0, 7);
	end = (uint32_t)s->n;
	seed_add(s,
		 "TREE\0\0\0\x19\0"
		 "3 0\nabcdefghijabcdefghij",
		 33);
	seed_add(s, "EOIE\0\0\0\x18", 8);
	seed_put32(s, end);
	seed_add(s, "abcdefghijabcdefghij", 20);
	seed_add(s, "abcdefghijabcdefghij", 20);
}

static void make_tree(void)
{
	static const char *const dirs[] = { "r",
					    "r/d",
					    "r/d/e",
					    "r/.git",
					    "r/.git/objects",
					    "r/.git/refs",
					    "r/.git/worktrees",
					    "r/.git/worktrees/w",
					    "w" };
	unsigned i;

	fuzz_directory_make();
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		MUST(mkdir(tree_path(dirs[i]), 0755) == 0);
	put_file("r/d/e/one", "1", 1);
	put_file("r/d/e/two", "22", 2);
	MUST(symlink("d/e/one", tree_path("r/link")) == 0);
	put_file("r/.git/worktrees/w/HEAD", "ref: refs/heads/side\n", 21);
	seed_text(&seeds[HEAD], "ref: refs/heads/main\n");
	seed_text(&seeds[GITFILE], "gitdir: ../r/.git/worktrees/w\n");
	seed_text(&seeds[COMMONDIR], "../..\n");
	seed_text(&seeds[CONFIG], "[core]\n\tbare = false\n\tfilemode = true\n\tworktree = "
				  "\"../../r\"\n[remote \"origin\"]\n"
				  "\turl = https://user:SECRET@example.com/owner/repo.git # c\n"
				  "\tfetch = +refs/heads/*:refs/remotes/origin/* "
				  "\\\n\n[extensions]\n\tobjectformat = sha1\n");
	seed_index(&seeds[INDEX2], 2);
	seed_index(&seeds[INDEX3], 3);
	seed_index(&seeds[INDEX4], 4);
}

/* ---- reading ---- */

static void read_tree(const char *leaf, struct git_status *g)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+:/";
	struct git_query l = { .dir = tree_path(leaf), .want_dirty = true, .budget_ms = 10000 };

	memset(g, 0xee, sizeof(*g));
	git_status_read(&l, g);
	MUST(memchr(g->branch, 0, sizeof(g->branch)) && memchr(g->repo, 0, sizeof(g->repo)) &&
	     memchr(g->url, 0, sizeof(g->url)));
	MUST(g->url[0] == '\0' || strncmp(g->url, "https://", 8) == 0);
	MUST(g->url[strspn(g->url, safe)] == '\0' && !strstr(g->url, "/../"));
	MUST(g->found || (!g->branch[0] && !g->repo[0] && !g->url[0] && g->dirty == GIT_UNKNOWN));
	MUST(!g->found || g->repo[0]);
}

static void read_config(const uint8_t *p, size_t n)
{
	struct git_config c;
	char out[64];

	git_config_parse((const char *)p, n, &c);
	MUST(memchr(c.url, 0, sizeof(c.url)) && memchr(c.worktree, 0, sizeof(c.worktree)));
	git_url_page(c.url, out, sizeof(out));
	MUST(strlen(out) < sizeof(out));
}

/* The tree with p in the place of a file, and an index of that kind. */
static bool read_with(unsigned which, unsigned index, const uint8_t *p, size_t n, bool clean)
{
	struct git_status repository, worktree;

	put_file(seeds[index].path, seeds[index].p, seeds[index].n);
	put_file(seeds[which].path, p, n);
	read_tree("r/d", &repository);
	read_tree("w", &worktree);
	put_file(seeds[which].path, seeds[which].p, seeds[which].n);
	MUST(!clean || (repository.dirty == GIT_CLEAN && worktree.dirty == GIT_CLEAN));
	return repository.found && worktree.found;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsigned i;

	(void)argc;
	(void)argv;
	make_tree();
	for (i = 0; i < FILES; i++)
		put_file(seeds[i].path, seeds[i].p, seeds[i].n);
	/* Undamaged, everything is found, and nothing of it changed. */
	for (i = 0; i < 3 * FILES; i++)
		read_with(i % FILES, INDEX2 + i / FILES, seeds[i % FILES].p, seeds[i % FILES].n,
			  true);
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	unsigned which;

	if (n < 2)
		return 0;
	fuzz_inputs++;
	which = (unsigned)(p[0] - '0') % FILES;
	fuzz_understood += read_with(which, INDEX2 + p[1] % 3, p + 2, n - 2, false);
	if (which == CONFIG)
		read_config(p + 2, n - 2);
	return 0;
}
