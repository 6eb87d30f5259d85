/*
 * tests/git/test_git_index.c - an index that was made to harm whoever reads it.
 */
#include "tests/git/git_fixture.h"

#include <dirent.h>

struct bytes {
	uint8_t p[20000];
	size_t n;
};

static void be32(struct bytes *b, uint32_t v)
{
	b->p[b->n++] = (uint8_t)(v >> 24);
	b->p[b->n++] = (uint8_t)(v >> 16);
	b->p[b->n++] = (uint8_t)(v >> 8);
	b->p[b->n++] = (uint8_t)v;
}

static void header(struct bytes *b, uint32_t version, uint32_t count)
{
	b->n = 0;
	memcpy(b->p, "DIRC", 4);
	b->n = 4;
	be32(b, version);
	be32(b, count);
}

/* As git add would write it for a file of this run. */
static void entry(struct bytes *b, const char *name, const char *file)
{
	size_t from = b->n, len = strlen(name);
	struct stat st = { 0 };
	unsigned i;

	assert_int_equal(lstat(at(file), &st), 0);
	be32(b, 1);
	be32(b, 1);
	be32(b, (uint32_t)st.st_mtim.tv_sec);
	be32(b, (uint32_t)st.st_mtim.tv_nsec);
	be32(b, 0);
	be32(b, 0);
	be32(b, S_ISLNK(st.st_mode) ? 0120000 : 0100644);
	be32(b, 0);
	be32(b, 0);
	be32(b, (uint32_t)st.st_size);
	for (i = 0; i < 5; i++)
		be32(b, 0x12345678);
	b->p[b->n++] = (uint8_t)((len > 0xfff ? 0xfff : len) >> 8);
	b->p[b->n++] = (uint8_t)(len > 0xfff ? 0xff : len);
	memcpy(b->p + b->n, name, len);
	b->n += len;
	do
		b->p[b->n++] = 0;
	while ((b->n - from) % 8 != 0);
}

static void extension(struct bytes *b, const char *sig, const void *data, size_t n, uint32_t said)
{
	memcpy(b->p + b->n, sig, 4);
	b->n += 4;
	be32(b, said);
	memcpy(b->p + b->n, data, n);
	b->n += n;
}

static int verdict(struct bytes *b, const char *tree)
{
	if (tree)
		extension(b, "TREE", tree, 24, 24);
	memset(b->p + b->n, 0, 20);
	put("r/.git/index", b->p, b->n + 20);
	b->n += 20;
	return (int)look("r")->dirty;
}

#define VALID \
	"\0"  \
	"1 0\n12345678901234567890"
#define INVALID \
	"\0"    \
	"-1 0\n2345678901234567890"

static void test_git_index_entries(void **state)
{
	static const char *const wrong[] = { "/etc/passwd", "../r/f", "d/../f", "./f",	"d/./f",
					     "d//f",	    "..",     ".",	"d/..", "d/" };
	struct bytes b;
	char deep[300];
	unsigned i;

	(void)state;
	put_text("r/f", "text");
	dir("r/d");
	header(&b, 2, 1);
	entry(&b, "f", "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_CLEAN);
	/* A name that leads out is not followed. */
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		header(&b, 2, 1);
		entry(&b, wrong[i], "r/f");
		assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	}
	header(&b, 2, 1);
	entry(&b, "", "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	/* Too deep is no reason not to see the next. */
	for (i = 0; i < 140; i++)
		memcpy(deep + 2 * i, "d/", 3);
	strcpy(deep + 2 * i, "f");
	header(&b, 2, 1);
	entry(&b, deep, "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_DIRTY); /* r/d/d is missing */
	header(&b, 2, 2);
	entry(&b, "f", "r/f");
	entry(&b, "g", "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_DIRTY);
}

static void test_git_index_damage(void **state)
{
	static const uint32_t counts[] = { 0, 2, 3, 0x7fffffff, 0xffffffff };
	struct bytes b, whole;
	unsigned i;
	size_t n;

	(void)state;
	put_text("r/f", "text");
	for (i = 0; i < 5; i++) {
		header(&b, 2, counts[i]);
		entry(&b, "f", "r/f");
		assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	}
	for (i = 0; i < 7; i++) {
		header(&b, i, 1);
		entry(&b, "f", "r/f");
		/* Version 4 finds a number before the name. */
		assert_int_equal(verdict(&b, VALID), i == 2 || i == 3 ? GIT_CLEAN : GIT_UNKNOWN);
	}
	/* Cut off anywhere it is never clean. */
	header(&whole, 2, 1);
	entry(&whole, "f", "r/f");
	assert_int_equal(verdict(&whole, VALID), GIT_CLEAN);
	for (n = 0; n < whole.n; n++) {
		put("r/.git/index", whole.p, n);
		assert_int_not_equal(look("r")->dirty, GIT_CLEAN);
	}
	b = whole;
	b.p[12 + 60] = 0x40; /* version 2 has no more flags */
	put("r/.git/index", b.p, b.n);
	assert_int_equal(look("r")->dirty, GIT_UNKNOWN);
	b = whole;
	b.p[12 + 61] = 2; /* another length than the name's */
	put("r/.git/index", b.p, b.n);
	assert_int_equal(look("r")->dirty, GIT_UNKNOWN);
}

static void test_git_index_names(void **state)
{
	static char name[9000];
	struct bytes b;

	(void)state;
	put_text("r/f", "text");
	memset(name, 'n', sizeof(name) - 1);
	header(&b, 2, 1);
	entry(&b, name, "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	name[4095] = '\0';
	header(&b, 2, 1);
	entry(&b, name, "r/f"); /* no file has such a name */
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	/* Version 4: drops more than there is; a number without an end. */
	header(&b, 4, 1);
	entry(&b, "\1f", "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	memset(name, 0xff, 100);
	name[100] = '\0';
	header(&b, 4, 1);
	entry(&b, name, "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
}

static void one_file(struct bytes *b)
{
	header(b, 2, 1);
	entry(b, "f", "r/f");
}

static void test_git_index_extensions(void **state)
{
	struct bytes b;

	(void)state;
	put_text("r/f", "text");
	one_file(&b);
	assert_int_equal(verdict(&b, INVALID), GIT_DIRTY);
	dir("r/.git/refs/heads");
	one_file(&b);
	assert_int_equal(verdict(&b, NULL), GIT_DIRTY); /* no commit yet */
	put_text("r/.git/refs/heads/main", ID);
	one_file(&b);
	assert_int_equal(verdict(&b, NULL), GIT_UNKNOWN);
	one_file(&b);
	extension(&b, "link", "12345678901234567890", 20, 20);
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	one_file(&b);
	extension(&b, "zzzz", "", 0, 0);
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	one_file(&b);
	extension(&b, "ZZZZ", "abc", 3, 3);
	assert_int_equal(verdict(&b, VALID), GIT_CLEAN);
	one_file(&b);
	extension(&b, "ZZZZ", "", 0, 0xffffffff);
	assert_int_equal(verdict(&b, VALID), GIT_UNKNOWN);
	one_file(&b);
	assert_int_equal(verdict(&b, "\0 0\n34567890123456789012"), GIT_UNKNOWN);
	one_file(&b);
	assert_int_equal(verdict(&b, "x1 0\n2345678901234567890"), GIT_UNKNOWN);
	/* The extension that says where they begin may lie. */
	one_file(&b);
	extension(&b, "TREE", VALID, 24, 24);
	extension(&b, "EOIE",
		  "\0\0\0\x4c"
		  "12345678901234567890",
		  24, 24);
	assert_int_equal(verdict(&b, NULL), GIT_CLEAN);
	one_file(&b);
	extension(&b, "TREE", VALID, 24, 24);
	extension(&b, "EOIE",
		  "\0\0\0\x0c"
		  "12345678901234567890",
		  24, 24);
	assert_int_equal(verdict(&b, NULL), GIT_UNKNOWN);
	one_file(&b);
	extension(&b, "TREE", VALID, 24, 24);
	extension(&b, "EOIE",
		  "\xff\0\0\x54"
		  "12345678901234567890",
		  24, 24);
	assert_int_equal(verdict(&b, NULL), GIT_CLEAN);
}

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void test_git_leaves_nothing_open(void **state)
{
	unsigned before = descriptors();
	struct bytes b;

	(void)state;
	put_text("r/f", "text");
	dir("r/d");
	dir("r/d/e");
	put_text("r/d/e/f", "text");
	header(&b, 2, 3);
	entry(&b, "d/e/f", "r/d/e/f");
	entry(&b, "d/x/y/z", "r/f");
	entry(&b, "f", "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_DIRTY);
	header(&b, 2, 2);
	entry(&b, "d/e/f", "r/d/e/f");
	entry(&b, "f", "r/f");
	assert_int_equal(verdict(&b, VALID), GIT_CLEAN);
	assert_int_equal(symlink("d", at("r/s")), 0);
	header(&b, 2, 1);
	entry(&b, "s/e/f", "r/d/e/f"); /* behind a link */
	assert_int_equal(verdict(&b, VALID), GIT_DIRTY);
	assert_int_equal(descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_git_index_entries),	 TREE_TEST(test_git_index_damage),
		TREE_TEST(test_git_index_names),	 TREE_TEST(test_git_index_extensions),
		TREE_TEST(test_git_leaves_nothing_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
