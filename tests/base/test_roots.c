/*
 * tests/base/test_roots.c - sealed copies; what root alone can change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fail.h"
#include "base/roots.h"
#include "base/sealed.h"

/* A file of n bytes, at its start. */
static int a_file(size_t n)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	size_t i;

	assert_true(fd >= 0);
	for (i = 0; i < n; i++)
		assert_int_equal(write(fd, &"0123456789abcdef"[i % 16], 1), 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_copy(void **state)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int from = a_file(40000), fd = sealed_copy(from, "copy", 40000);
	static char a[40001], b[40001];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & all, all);
	assert_int_equal(read(fd, a, sizeof(a)), 40000);
	assert_int_equal(pread(from, b, sizeof(b), 0), 40000);
	assert_memory_equal(a, b, 40000);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 50000), -1);
	assert_ptr_equal(mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	/* what is written into the file afterwards is not in the copy */
	assert_int_equal(pwrite(from, "x", 1, 0), 1);
	assert_int_equal(pread(fd, a, 1, 0), 1);
	assert_int_equal(a[0], '0');
	close(fd);
	close(from);
}

static void test_too_large(void **state)
{
	int from = a_file(17000);

	(void)state;
	assert_int_equal(sealed_copy(from, "copy", 16999), -1);
	assert_int_equal(errno, EFBIG);
	close(from);
	assert_int_equal(sealed_copy(-1, "copy", 10), -1);
	assert_int_equal(errno, EBADF);
}

static void expect_roots(const char *path, const char *word)
{
	struct failure f = { 0 };
	int r = path_check_roots(path, &f);

	if (!word) {
		if (r != 0)
			fail_msg("%s: %s", path, f.what);
		return;
	}
	assert_int_equal(r, -1);
	if (!strstr(f.what, word))
		fail_msg("%s: %s", path, f.what);
}

static void test_roots(void **state)
{
	char dir[] = "/tmp/ccroots-XXXXXX", link[64], deep[5000];
	size_t i;

	(void)state;
	expect_roots("/", NULL);
	expect_roots("/etc/passwd", NULL);
	expect_roots("/bin/sh", NULL);
	expect_roots("//usr/./bin/../bin///env", NULL);
	expect_roots("/../../etc/passwd", NULL);
	expect_roots("etc/passwd", "no absolute path");
	expect_roots("", "no absolute path");
	expect_roots("/etc/nonexistent", "No such file");
	expect_roots("/etc/passwd/x", "Not a directory");
	/* everybody can write there, whoever owns the file */
	expect_roots("/tmp/../etc/passwd", "/tmp can be written by others");
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	expect_roots(link, "/tmp can be written by others");
	unlink(link);
	rmdir(dir);
	for (i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = i % 2 ? '.' : '/';
	deep[i] = '\0';
	expect_roots(deep, "path too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy),
					    cmocka_unit_test(test_too_large),
					    cmocka_unit_test(test_roots) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
