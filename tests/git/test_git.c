/*
 * tests/git/test_git.c - the reader of .git: from an origin to its page, the
 * configuration's syntax, and trees that were made to harm whoever reads them.
 * The index is test_git_index.c's, repositories that git makes are
 * tests/git/test_git_reader.py's.
 */
#include "tests/git/git_fixture.h"

#include "git/git_config.h"
#include "git/git_url.h"

/* ---- pages ---- */

static void test_git_pages(void **state)
{
	static const char *const pages[][2] = {
		{ "git@github.com:owner/repo.git", "https://github.com/owner/repo" },
		{ "git@github.com:owner/repo", "https://github.com/owner/repo" },
		{ "github.com:owner/repo.git/", "https://github.com/owner/repo" },
		{ "org-1234@github.com:owner/repo.git", "https://github.com/owner/repo" },
		{ "git@git.sr.ht:~owner/repo", "https://git.sr.ht/~owner/repo" },
		{ "git@gitlab.example.com:a/b/c/d.git", "https://gitlab.example.com/a/b/c/d" },
		{ "ssh://git@example.com/owner/repo.git", "https://example.com/owner/repo" },
		{ "ssh://git@example.com:2222/owner/repo", "https://example.com/owner/repo" },
		{ "git+ssh://git@example.com/owner/repo", "https://example.com/owner/repo" },
		{ "git://example.com/owner/repo.git", "https://example.com/owner/repo" },
		{ "http://example.com/owner/repo", "https://example.com/owner/repo" },
		{ "https://example.com/owner/repo.git", "https://example.com/owner/repo" },
		{ "https://example.com/owner/repo///", "https://example.com/owner/repo" },
		{ "https://example.com:8443/owner/repo.git",
		  "https://example.com:8443/owner/repo" },
		{ "https://example.com/owner/.github", "https://example.com/owner/.github" },
		{ "https://192.0.2.7/r_1/c++.x~y", "https://192.0.2.7/r_1/c++.x~y" },
		/* Whoever stands before the @ goes no further. */
		{ "https://token@example.com/owner/repo", "https://example.com/owner/repo" },
		{ "https://user:token@example.com/owner/repo", "https://example.com/owner/repo" },
		{ "https://user:to@ken@example.com/owner/repo", "https://example.com/owner/repo" },
		{ "https://user:to%40ken@example.com:8443/o/r", "https://example.com:8443/o/r" },
		{ "https://user:to/ken@example.com/owner/repo", "" },
		{ "https://a.b:1/ken@example.com/owner/repo", "" },
		{ "https://a.b:token", "" },
		{ "a.b:token@example.com:owner/repo", "" },
		{ "user:token@example.com:owner/repo", "" },
		{ "https://tok/en@example.com/r", "" },
		/* No page, or none that can be known. */
		{ "", "" },
		{ "/srv/git/repo.git", "" },
		{ "../repo", "" },
		{ "./a:b/c", "" },
		{ "file:///srv/git/repo.git", "" },
		{ "ext::sh -c evil", "" },
		{ "alias:owner/repo", "" },
		{ "git@example.com:/srv/git/repo", "" },
		{ "git@example.com:", "" },
		{ "git@example.com:.git", "https://example.com/.git" },
		{ "https://example.com", "" },
		{ "https://example.com/", "" },
		{ "https:///owner/repo", "" },
		{ "https://localhost/owner/repo", "" },
		{ "http://example.com:8080/owner/repo", "" },
		{ "https://example.com:/owner/repo", "" },
		{ "https://example.com:123456/owner/repo", "" },
		{ "https://[::1]/owner/repo", "" },
		{ "https://.example.com/o/r", "" },
		{ "https://example..com/o/r", "" },
		{ "https://example.com./o/r", "" },
		{ "https://-example.com/o/r", "" },
		{ "https://ex\xc3\xa4mple.com/o/r", "" },
		{ "https://example.com/../r", "" },
		{ "https://example.com/o/./r", "" },
		{ "https://example.com/o//r", "" },
		{ "https://example.com/o/r?q=1", "" },
		{ "https://example.com/o/r#f", "" },
		{ "https://example.com/o/r%20", "" },
		{ "https://example.com/o/r\x1b]8;;", "" },
		{ "https://example.com/o/r\n", "" },
		{ "javascript://example.com/o/r", "" },
		{ "HTTPS://example.com/o/r", "" },
	};
	char out[512], url[700];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		git_url_page(pages[i][0], out, sizeof(out));
		if (strcmp(out, pages[i][1]) != 0)
			fail_msg("%s: %s", pages[i][0], out);
	}
	/* Whole or not at all. */
	memset(url, 'a', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	memcpy(url, "https://example.com/", 20);
	url[511] = '\0';
	git_url_page(url, out, sizeof(out));
	assert_string_equal(out, url);
	url[511] = 'a';
	url[512] = '\0';
	git_url_page(url, out, sizeof(out));
	assert_string_equal(out, "");
	memset(url, 'a', sizeof(url) - 1);
	git_url_page(url, out, sizeof(out));
	assert_string_equal(out, "");
}

/* ---- configuration ---- */

static struct git_config *parsed(const char *text)
{
	static struct git_config c;

	git_config_parse(text, strlen(text), &c);
	return &c;
}

static void test_git_config_syntax(void **state)
{
	static const char *const urls[][2] = {
		{ "[remote \"origin\"]\n\turl = a:b\n", "a:b" },
		{ "[remote \"origin\"]url=a:b", "a:b" },
		{ "\xef\xbb\xbf[REMOTE \"origin\"]\r\n URL =  a:b  \r\n", "a:b" },
		{ "[remote.ORIGIN]\nurl = a:b\n", "a:b" },
		{ "# c\n; c\n[core]\n[remote \"origin\"] # c\nfetch = x\nurl = a:b ; c\n", "a:b" },
		{ "[remote \"origin\"]\nurl = \"a;b#c \" # d\n", "a;b#c " },
		{ "[remote \"origin\"]\nurl = a\\\n  b\n", "a  b" },
		{ "[remote \"origin\"]\nurl = a b\t c \n", "a b\t c" },
		{ "[remote \"origin\"]\nurl = \"a\\t\\\\\\\"b\"\n", "a\t\\\"b" },
		{ "[remote \"or\\igin\"]\nurl = a:b\n", "a:b" },
		{ "[remote \"origin\"]\nurl = first\nurl = second\n", "first" },
		{ "[remote \"origin\"]\nurl = first\nurl =\nurl = third\n", "third" },
		{ "[remote \"origin\"]\nmirror\nurl = a:b\n", "a:b" },
		{ "[remote \"Origin\"]\nurl = a:b\n", "" },
		{ "[remote \"other\"]\nurl = a:b\n", "" },
		{ "[remote \"origin\"]\npushurl = a:b\n", "" },
		{ "[remote \"origin\"]\n[branch \"main\"]\nurl = a:b\n", "" },
		{ "[remote \"origin\"\nurl = a:b\n", "" },
		{ "[remote \"ori\ngin\"]\nurl = a:b\n", "" },
		{ "[remote \"origin\"]\nurl = \"a:b\n", "" },
		{ "[remote \"origin\"]\nurl = a\\qb\n", "" },
		{ "[remote \"origin\"]\nurl = a:b\\", "" },
		{ "[remote \"origin\"]\n= x\nurl = a:b\n", "" },
		{ "[remote \"origin\"]\nur l = a:b\n", "" },
		{ "[include]\npath = other\n[includeIf \"gitdir:/\"]\npath = other\n", "" },
		{ "[url \"https://evil.example.com/\"]\ninsteadOf = a:\n[remote \"origin\"]\nurl = "
		  "a:b\n",
		  "a:b" },
		{ "", "" },
	};
	static const char nul[] = "[remote \"origin\"]\nurl = a\0b\n";
	struct git_config c;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		if (strcmp(parsed(urls[i][0])->url, urls[i][1]) != 0)
			fail_msg("%s: %s", urls[i][0], parsed(urls[i][0])->url);
	git_config_parse(nul, sizeof(nul) - 1, &c);
	assert_string_equal(c.url, "");
}

static void test_git_config_values(void **state)
{
	static char text[GIT_CONFIG_MAX];
	struct git_config *c = parsed("[core]\nbare");
	size_t n;

	(void)state;
	assert_true(c->filemode && c->symlinks && !c->whole_seconds);
	assert_int_equal(c->hash, 20);
	assert_string_equal(c->worktree, "");
	c = parsed(
		"[core]\nfileMode = No\nsymlinks = 0\ncheckStat = minimal\nworktree = \"../a b\"\n"
		"[extensions]\nobjectFormat = sha256\n");
	assert_true(!c->filemode && !c->symlinks && c->whole_seconds);
	assert_int_equal(c->hash, 32);
	assert_string_equal(c->worktree, "../a b");
	assert_true(parsed("[core]\nfilemode\n")->filemode);
	assert_false(parsed("[core]\nfilemode =\n")->filemode);
	/* Longer than its room: as if it were not there; what follows still is. */
	n = (size_t)sprintf(text, "[core]\nworktree = ");
	memset(text + n, 'x', 5000);
	sprintf(text + n + 5000, "\n[remote \"origin\"]\nurl = a:b\n");
	c = parsed(text);
	assert_string_equal(c->worktree, "");
	assert_string_equal(c->url, "a:b");
	/* A URL that the limit cuts is not half a URL. */
	memset(text, '\n', sizeof(text));
	memcpy(text + 100, "[remote \"origin\"]", 17);
	memcpy(text + sizeof(text) - 10, "url = abcd", 10);
	git_config_parse(text, sizeof(text), c);
	assert_string_equal(c->url, "");
	git_config_parse(text, sizeof(text) - 1, c);
	assert_string_equal(c->url, "abc");
}

/* ---- trees ---- */

static void test_git_head(void **state)
{
	static const struct {
		const char *head, *branch; /* NULL: no repository */
		bool detached;
	} heads[] = {
		{ "ref: refs/heads/main\n", "main", false },
		{ "ref:refs/heads/a/b", "a/b", false },
		{ "ref: \t refs/heads/x  \r\nmore\n", "x", false },
		{ "ref: refs/remotes/origin/x\n", "remotes/origin/x", false },
		{ "ref: refs/heads/../../../etc/passwd\n", "../../../etc/passwd", false },
		{ "ref: refs/heads/\xff\x1b[31m\xc3\n", "\xff\x1b[31m\xc3", false },
		{ "ref: refs/heads/.invalid\n", "", false },
		{ ID "\n", "0123456", true },
		{ ID, "0123456", true },
		{ ID "0123456789abcdef01234567\n", "0123456", true },
		{ ID "0\n", NULL, false },
		{ "0123456\n", NULL, false },
		{ "ref: /etc/passwd\n", NULL, false },
		{ "ref: heads/main\n", NULL, false },
		{ "ref:\n", NULL, false },
		{ "\nref: refs/heads/main\n", NULL, false },
		{ "", NULL, false },
	};
	struct git_status *g;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		put_text("r/.git/HEAD", heads[i].head);
		g = look("r");
		assert_int_equal(g->found, heads[i].branch != NULL);
		assert_string_equal(g->branch, heads[i].branch ? heads[i].branch : "");
		assert_int_equal(g->detached, heads[i].detached);
		assert_string_equal(g->repo, heads[i].branch ? "r" : "");
	}
	put("r/.git/HEAD", "ref: refs/heads/a\0b\n", 20);
	assert_string_equal(look("r")->branch, "a");
}

static void test_git_long_names(void **state)
{
	static char head[10 << 20];
	struct git_status *g;

	(void)state;
	memset(head, 'x', sizeof(head));
	memcpy(head, "ref: refs/heads/", 16);
	put("r/.git/HEAD", head, sizeof(head));
	assert_false(look("r")->found);
	head[1000] = '\n';
	put("r/.git/HEAD", head, sizeof(head));
	g = look("r");
	assert_int_equal(strlen(g->branch), sizeof(g->branch) - 1);
	put_text("r/.git/MERGE_HEAD", ID);
	g = look("r");
	assert_int_equal(strlen(g->branch), sizeof(g->branch) - 1);
	assert_string_equal(g->branch + strlen(g->branch) - 6, "|merge");
	/* What came before a rebase: a hostile name, none, or too much. */
	put_text("r/.git/HEAD", ID);
	dir("r/.git/rebase-merge");
	put("r/.git/rebase-merge/head-name", head, sizeof(head));
	assert_int_equal(strlen(look("r")->branch), 255);
	head[1000] = 'x';
	put("r/.git/rebase-merge/head-name", head, sizeof(head));
	assert_string_equal(look("r")->branch, "0123456");
	put_text("r/.git/rebase-merge/head-name", "detached HEAD\n");
	assert_string_equal(look("r")->branch, "0123456|rebase");
	memset(head, 'y', 200);
	head[200] = '\0';
	assert_int_equal(rename(at("r"), at(head)), 0);
	g = look(head);
	assert_int_equal(strlen(g->repo), sizeof(g->repo) - 1);
}

static void test_git_files_that_are_none(void **state)
{
	static const char *const files[] = { "r/.git/HEAD", "r/.git/config", "r/.git/index",
					     "r/.git/commondir", "r/.git/rebase-merge/head-name" };
	static const char *const links[] = { "/dev/zero", "/dev/tty", "../..",
					     "nowhere",	  "itself",   "fifo" };
	unsigned i, k;

	(void)state;
	assert_int_equal(mkfifo(at("r/.git/fifo"), 0644), 0);
	assert_int_equal(symlink("itself", at("r/.git/itself")), 0);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put_text("r/.git/HEAD", ID);
		if (i == 4)
			dir("r/.git/rebase-merge");
		unlink(at(files[i]));
		assert_int_equal(mkfifo(at(files[i]), 0644), 0);
		assert_int_equal(look("r")->found, i != 0);
		unlink(at(files[i]));
		dir(files[i]);
		assert_int_equal(look("r")->found, i != 0);
		rmdir(at(files[i]));
		for (k = 0; k < sizeof(links) / sizeof(links[0]); k++) {
			assert_int_equal(symlink(links[k], at(files[i])), 0);
			assert_int_equal(look("r")->found, i != 0);
			assert_string_equal(look("r")->branch, i ? "0123456" : "");
			assert_int_equal(look("r")->dirty, GIT_UNKNOWN);
			unlink(at(files[i]));
		}
	}
}

static void test_git_dir_files(void **state)
{
	static const struct {
		const char *text;
		bool found;
	} files[] = {
		{ "gitdir: ../r/.git\n", true },
		{ "gitdir:../r/.git", true },
		{ "gitdir: .git\n", false }, /* itself */
		{ "gitdir: ../chain/.git\n", false },
		{ "gitdir: ../r\n", false }, /* has one, is none */
		{ "gitdir: \n", false },
		{ "gitdir", false },
		{ "../r/.git\n", false },
		{ "gitdir: /dev/zero\n", false },
		{ "gitdir: ../r/.git/fifo\n", false },
		{ "gitdir: /nowhere\n", false },
		{ "", false },
	};
	char longer[8300];
	unsigned i;

	(void)state;
	dir("r/sub");
	dir("chain");
	put_text("chain/.git", "gitdir: ../r/.git\n");
	assert_int_equal(mkfifo(at("r/.git/fifo"), 0644), 0);
	dir("w");
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		put_text("w/.git", files[i].text);
		if (look("w")->found != files[i].found)
			fail_msg("%s", files[i].text);
		/* As git: a .git that leads nowhere is not passed by on the way up. */
		put_text("r/sub/.git", files[i].text);
		assert_true(files[i].found || !look("r/sub")->found);
	}
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memcpy(longer, "gitdir: ", 8);
	put_text("w/.git", longer);
	assert_false(look("w")->found);
	put("w/.git", "gitdir: ../r/.git\0x\n", 20);
	assert_true(look("w")->found);
	unlink(at("w/.git"));
	assert_int_equal(mkfifo(at("w/.git"), 0644), 0);
	assert_false(look("w")->found);
	unlink(at("w/.git"));
	assert_int_equal(symlink(".git", at("w/.git")), 0);
	assert_false(look("w")->found);
}

static void test_git_not_quite_a_repository(void **state)
{
	(void)state;
	dir("r/sub");
	dir("r/sub/.git"); /* empty: passed by, as git does */
	assert_string_equal(look("r/sub")->repo, "r");
	assert_int_equal(rmdir(at("r/.git/objects")), 0);
	assert_false(look("r")->found);
	dir("r/.git/objects");
	assert_true(look("r")->found);
	assert_int_equal(rmdir(at("r/.git/refs")), 0);
	assert_false(look("r")->found);
	put_text("r/.git/commondir", "../../common\n");
	assert_false(look("r")->found);
	dir("common");
	dir("common/objects");
	dir("common/refs");
	assert_true(look("r")->worktree);
	assert_string_equal(look("r")->repo, "common");
	/* commondir leads in a circle; nobody follows it twice. */
	put_text("common/commondir", "../r/.git\n");
	assert_true(look("r")->found);
	assert_false(look("nowhere")->found);
	assert_false(look("r/.git/HEAD")->found);
}

static void test_git_no_directory_at_all(void **state)
{
	struct git_query l = { .dir = NULL };
	struct git_status g;
	char here[512];

	(void)state;
	g.found = true;
	git_status_read(&l, &g);
	assert_false(g.found);
	l.dir = "";
	git_status_read(&l, &g);
	assert_false(g.found);
	l.dir = "/";
	git_status_read(&l, &g);
	/* One that is gone: it has no name any more. */
	dir("r/gone");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(at("r/gone")), 0);
	assert_int_equal(rmdir(at("r/gone")), 0);
	l.dir = ".";
	git_status_read(&l, &g);
	assert_false(g.found);
	assert_int_equal(chdir(here), 0);
}

/* Far down: up to the limit it is found, beyond nobody asks. */
static void test_git_depth(void **state)
{
	char path[1200];
	int n = snprintf(path, sizeof(path), "%s/r", base), i;
	struct git_query l = { .dir = path };
	struct git_status g;

	(void)state;
	for (i = 1; i <= 260; i++) {
		n += snprintf(path + n, sizeof(path) - (size_t)n, "/d");
		assert_int_equal(mkdir(path, 0755), 0);
		if (i == 100 || i == 255 || i == 256) {
			git_status_read(&l, &g);
			assert_int_equal(g.found, i < 256);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_git_pages),
		cmocka_unit_test(test_git_config_syntax),
		cmocka_unit_test(test_git_config_values),
		TREE_TEST(test_git_head),
		TREE_TEST(test_git_long_names),
		TREE_TEST(test_git_files_that_are_none),
		TREE_TEST(test_git_dir_files),
		TREE_TEST(test_git_not_quite_a_repository),
		TREE_TEST(test_git_no_directory_at_all),
		TREE_TEST(test_git_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
