/*
 * tests/git/git_fixture.h - a repository as small as git accepts one, in a
 * private directory of each test.
 */
#ifndef TESTS_UNIT_GIT_FIXTURE_H
#define TESTS_UNIT_GIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/git_status.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define TREE_TEST(t) cmocka_unit_test_setup_teardown(t, fresh, clean)

static char base[64];

static const char *at(const char *leaf)
{
	static char path[4][512];
	static unsigned i;
	char *p = path[i++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", base, leaf);
	return p;
}

static void put(const char *leaf, const void *data, size_t n)
{
	int fd = open(at(leaf), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), (ssize_t)n);
	close(fd);
}

static void put_text(const char *leaf, const char *text)
{
	put(leaf, text, strlen(text));
}

static void dir(const char *leaf)
{
	assert_int_equal(mkdir(at(leaf), 0755), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int fresh(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/test_git.XXXXXX");
	assert_non_null(mkdtemp(base));
	dir("r");
	dir("r/.git");
	dir("r/.git/objects");
	dir("r/.git/refs");
	put_text("r/.git/HEAD", "ref: refs/heads/main\n");
	return 0;
}

static int clean(void **state)
{
	(void)state;
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct git_status *look(const char *leaf)
{
	static struct git_status g;
	struct git_query l = { .dir = at(leaf), .want_dirty = true, .budget_ms = 60000 };

	memset(&g, 0xee, sizeof(g));
	git_status_read(&l, &g);
	return &g;
}

#endif
