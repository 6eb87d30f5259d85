/*
 * tests/vault/test_store.c - the vault's file: one lock, replacement that is
 * whole or not at all, the generation before, and what is not read.
 */
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
#include <signal.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "broker/vault_store.h"
#include "vault/limits.h"
#include "vault/vault.h"

static char dir[64];
static struct vault_store store;

static const char *in_dir(const char *leaf)
{
	static char path[4][96];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, leaf);
	return p;
}

static int put(const char *text)
{
	struct failure f = { 0 };

	return store_write(&store, (const uint8_t *)text, strlen(text), &f);
}

/* The file's contents are these. */
static void holds(const char *leaf, const char *want)
{
	char got[64] = "";
	int fd = open(in_dir(leaf), O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, want);
	close(fd);
}

static enum fail_code read_code(struct failure *f)
{
	uint8_t *p = NULL;
	size_t n;

	memset(f, 0, sizeof(*f));
	if (store_read(&store, &p, &n, f) == 0)
		free(p);
	return f->code;
}

static void test_write_and_read(void **state)
{
	struct failure f = { 0 };
	uint8_t *p;
	size_t n;

	(void)state;
	assert_int_equal(store_presence(&store), STORE_ABSENT);
	assert_int_equal(read_code(&f), FAIL_NO_VAULT);
	assert_string_equal(f.hint, "ccctl init makes one");
	assert_int_equal(put("one"), 0);
	assert_int_equal(store_presence(&store), STORE_PRESENT);
	assert_int_equal(access(in_dir("vault.prev"), F_OK), -1);
	assert_int_equal(put("two"), 0);
	holds("vault", "two");
	holds("vault.prev", "one");
	assert_int_equal(put("three"), 0);
	holds("vault.prev", "two");
	assert_int_equal(access(in_dir("vault.new"), F_OK), -1);
	assert_int_equal(access(in_dir("vault.prev.new"), F_OK), -1);
	assert_int_equal(store_read(&store, &p, &n, &f), 0);
	assert_int_equal(n, 5);
	assert_memory_equal(p, "three", 5);
	free(p);
	unlink(in_dir("vault"));
	assert_int_equal(read_code(&f), FAIL_NO_VAULT);
	assert_non_null(strstr(f.hint, "vault.prev is the last generation"));
}

static void test_leftovers(void **state)
{
	(void)state;
	assert_int_equal(put("one"), 0);
	/* A crash may leave these; a link in their place is not followed. */
	assert_int_equal(symlink("/dev/null", in_dir("vault.new")), 0);
	assert_int_equal(symlink("vault", in_dir("vault.prev.new")), 0);
	assert_int_equal(put("two"), 0);
	holds("vault", "two");
	holds("vault.prev", "one");
}

static void test_a_directory_in_the_place(void **state)
{
	struct failure f = { 0 };

	(void)state;
	assert_int_equal(put("one"), 0);
	assert_int_equal(mkdir(in_dir("vault.new"), 0700), 0);
	assert_int_equal(store_write(&store, (const uint8_t *)"two", 3, &f), -1);
	assert_non_null(strstr(f.hint, "a directory has that name"));
	holds("vault", "one");
	rmdir(in_dir("vault.new"));
}

static void test_lock_file_is_there(void **state)
{
	(void)state;
	assert_true(store_lock_is_there(&store));
	assert_int_equal(rename(in_dir("vault.lock"), in_dir("away")), 0);
	assert_false(store_lock_is_there(&store));
	assert_int_equal(symlink("away", in_dir("vault.lock")), 0);
	assert_false(store_lock_is_there(&store));
	assert_int_equal(rename(in_dir("away"), in_dir("vault.lock")), 0);
	assert_true(store_lock_is_there(&store));
}

static void test_lock(void **state)
{
	struct failure f = { 0 };
	struct vault_store second;
	char pid[32];

	(void)state;
	snprintf(pid, sizeof(pid), "(process %d)", (int)getpid());
	/* Held by another program than a broker, and then by one. */
	assert_int_equal(store_open(&second, dir, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	assert_non_null(strstr(f.what, pid));
	assert_int_equal(prctl(PR_SET_NAME, "ccbroker"), 0);
	assert_int_equal(store_open(&second, dir, &f), -1);
	assert_int_equal(f.code, FAIL_BUSY);
	assert_non_null(strstr(f.what, pid));
	store_close(&store);
	store_close(&store);
	assert_int_equal(store_open(&second, dir, &f), 0);
	store_close(&second);
	unlink(in_dir("vault.lock"));
	assert_int_equal(symlink("/dev/null", in_dir("vault.lock")), 0);
	assert_int_equal(store_open(&store, dir, &f), -1);
}

static void test_unsafe(void **state)
{
	struct failure f;

	(void)state;
	assert_int_equal(put("one"), 0);
	assert_int_equal(chmod(in_dir("vault"), 0640), 0);
	assert_int_equal(read_code(&f), FAIL_UNSAFE_PATH);
	assert_non_null(strstr(f.what, "mode 0640"));
	assert_non_null(strstr(f.hint, "chmod 600"));
	assert_int_equal(rename(in_dir("vault"), in_dir("elsewhere")), 0);
	assert_int_equal(symlink("elsewhere", in_dir("vault")), 0);
	assert_int_equal(read_code(&f), FAIL_UNSAFE_PATH);
	unlink(in_dir("vault"));
	assert_int_equal(mkfifo(in_dir("vault"), 0600), 0);
	assert_int_equal(read_code(&f), FAIL_UNSAFE_PATH);
	unlink(in_dir("vault"));
	assert_int_equal(rename(in_dir("elsewhere"), in_dir("vault")), 0);
	assert_int_equal(chmod(in_dir("vault"), 0600), 0);
	assert_int_equal(truncate(in_dir("vault"), VAULT_FILE_MAX), 0);
	assert_int_equal(read_code(&f), FAIL_NONE);
	assert_int_equal(truncate(in_dir("vault"), VAULT_FILE_MAX + 1), 0);
	assert_int_equal(read_code(&f), FAIL_TOO_LARGE);
}

static int write_past_the_limit(void)
{
	static uint8_t big[4096];
	struct rlimit limit = { 1000, 1000 };
	struct failure f = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 2;
	if (store_write(&store, big, sizeof(big), &f) != -1 || f.code != FAIL_SYSTEM)
		return 3;
	return strstr(f.hint, "the vault is as it was") ? 0 : 4;
}

static void test_full_disk(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(put("one"), 0);
	assert_int_equal(put("two"), 0);
	pid = fork();
	if (pid == 0)
		_exit(write_past_the_limit());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	holds("vault", "two");
	holds("vault.prev", "one");
	assert_int_equal(access(in_dir("vault.new"), F_OK), -1);
}

/* A reader at any moment sees a whole file; a writer dies at any moment. */
/* What another process wrote is another process's: read it before writing. */
static void adopt(void)
{
	uint8_t *file;
	size_t n;

	assert_int_equal(store_read(&store, &file, &n, NULL), 0);
	store_accept(&store);
	free(file);
}

static void test_killed(void **state)
{
	char a[] = "aaaaaaaaaaaaaaaa", b[] = "bbbbbbbbbbbbbbbb", got[32];
	ssize_t n;
	pid_t pid;
	int i, fd;

	(void)state;
	assert_int_equal(put(a), 0);
	for (i = 0; i < 20; i++) {
		pid = fork();
		if (pid == 0) {
			for (;;)
				put(put(a) == 0 ? b : a);
		}
		usleep((useconds_t)(500 + 400 * i));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		fd = open(in_dir("vault"), O_RDONLY | O_CLOEXEC);
		n = read(fd, got, sizeof(got));
		close(fd);
		assert_int_equal(n, 16);
		assert_true(memcmp(got, a, 16) == 0 || memcmp(got, b, 16) == 0);
	}
	/* changed behind its back: refused, until it is read again */
	if (memcmp(got, "aaaa", 4) != 0)
		assert_int_equal(put("done"), -1);
	adopt();
	assert_int_equal(put("done"), 0);
	holds("vault", "done");
}

static void explained(enum fail_code code, const char *hint, struct failure *f)
{
	fail_set(f, code, hint, "the reason");
	store_explain_failure(&store, f);
}

static void test_explain(void **state)
{
	struct failure f = { 0 };

	(void)state;
	explained(FAIL_DAMAGED, NULL, &f);
	assert_non_null(strstr(f.what, in_dir("vault: the reason")));
	assert_non_null(strstr(f.hint, "no previous generation"));
	explained(FAIL_NEWER, "install the newer program", &f);
	assert_string_equal(f.hint, "install the newer program");
	assert_int_equal(put("one"), 0);
	assert_int_equal(put("two"), 0);
	explained(FAIL_TRUNCATED, NULL, &f);
	assert_non_null(strstr(f.hint, in_dir("vault.prev")));
	explained(FAIL_NEWER, "install the newer program", &f);
	assert_string_equal(f.hint, "install the newer program");
	explained(FAIL_WRONG_KEY, "try again", &f);
	assert_string_equal(f.what, "the reason");
	assert_string_equal(f.hint, "try again");
}

static int make_dir(void **state)
{
	struct failure f = { 0 };

	(void)state;
	strcpy(dir, "/tmp/ccrun-store-XXXXXX");
	return mkdtemp(dir) ? store_open(&store, dir, &f) : -1;
}

static int remove_dir(void **state)
{
	static const char *const leaves[] = { "vault",	   "vault.prev",     "vault.lock",
					      "vault.new", "vault.prev.new", "elsewhere" };
	size_t i;

	(void)state;
	store_close(&store);
	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		unlink(in_dir(leaves[i]));
	return rmdir(dir);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_and_read),
		TEST(test_leftovers),
		TEST(test_a_directory_in_the_place),
		TEST(test_write_and_read),
		TEST(test_leftovers),
		TEST(test_lock_file_is_there),
		TEST(test_write_and_read),
		TEST(test_leftovers),
		TEST(test_lock),
		TEST(test_unsafe),
		TEST(test_full_disk),
		TEST(test_killed),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
