/*
 * tests/broker/test_record.c - the record: its chain, what may stand in it, a
 * last line that was torn, a disk that is full.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/audit_log.h"
#include "vault/crypto.h"

static char dir[64], path[96], old[96];

static const struct audit_event simple = {
	.event = "get", .result = "granted", .entries = "zai", .pid = 7
};

static char *slurp(size_t *n)
{
	struct failure f = { 0 };
	char *text;

	assert_int_equal(io_slurp(path, 1 << 20, &text, n, &f), 0);
	return text;
}

static void append(const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

/* Walk the file; every line must follow from the one before, the first from
 * number n with the hash before.  Returns the last number, and its hash. */
static unsigned verify_from(unsigned n, char before[65])
{
	char hex[65], *text, *line, *end, *cut;
	uint8_t hash[32];
	size_t size;

	text = slurp(&size);
	for (line = text; *line; line = end + 1) {
		char seq[32];

		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		snprintf(seq, sizeof(seq), "{\"seq\":%u,", ++n);
		assert_int_equal(strncmp(line, seq, strlen(seq)), 0);
		cut = strstr(line, ",\"hash\":\"");
		assert_non_null(cut);
		assert_int_equal(strlen(cut), 9 + 64 + 2);
		assert_string_equal(cut + 9 + 64, "\"}");
		blake2b_256(hash, before, 64, line, (size_t)(cut - line));
		hex_encode(hex, hash, sizeof(hash));
		assert_memory_equal(hex, cut + 9, 64);
		memcpy(before, hex, sizeof(hex));
	}
	assert_ptr_equal(line, text + size);
	free(text);
	return n;
}

static unsigned verify(void)
{
	char before[65];

	memset(before, '0', 64);
	before[64] = '\0';
	return verify_from(0, before);
}

static void write_some(unsigned n)
{
	struct failure f = { 0 };
	struct audit_log r;

	assert_int_equal(audit_open(&r, dir, &f), 0);
	while (n-- > 0)
		assert_int_equal(audit_write(&r, &simple, &f), 0);
	audit_close(&r);
	audit_close(&r);
}

static void test_chain(void **state)
{
	struct stat st;

	(void)state;
	write_some(0);
	assert_int_equal(verify(), 0);
	write_some(3);
	write_some(1);
	write_some(40);
	assert_int_equal(verify(), 44);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_fields(void **state)
{
	struct audit_event e = { .event = "open",
				 .result = "origin",
				 .provider = "",
				 .pid = 0,
				 .entries = "a\"b\\c\x01\n\x7f\xc3\xa9",
				 .why = "it's" };
	struct failure f = { 0 };
	struct audit_log r;
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(audit_open(&r, dir, &f), 0);
	assert_int_equal(audit_write(&r, &e, &f), 0);
	audit_close(&r);
	text = slurp(&n);
	assert_non_null(strstr(text, "Z\",\"event\":\"open\",\"result\":\"origin\",\"entries\":"
				     "\"a\\u0022b\\u005cc\\u0001\\u000a\\u007f\\u00c3\\u00a9\","
				     "\"why\":\"it's\",\"hash\":\""));
	free(text);
	assert_int_equal(verify(), 1);
}

/* Every field as long as it can be, and all of it to be escaped. */
static void test_longest_line(void **state)
{
	char names[196], name[65], image[256], why[320];
	struct audit_event e = { .event = "approve",
				 .result = "not-locked-memory",
				 .pid = 4194304,
				 .provider = name,
				 .entries = names,
				 .session = "0123456789abcdef",
				 .image = image,
				 .why = why };
	struct failure f = { 0 };
	struct audit_log r;
	int i;

	(void)state;
	memset(names, '"', sizeof(names));
	memset(name, '\xff', sizeof(name));
	memset(image, '\xff', sizeof(image));
	memset(why, '\\', sizeof(why));
	names[sizeof(names) - 1] = name[sizeof(name) - 1] = image[sizeof(image) - 1] =
		why[sizeof(why) - 1] = '\0';
	for (i = 0; i < 3; i++) {
		assert_int_equal(audit_open(&r, dir, &f), 0);
		assert_int_equal(audit_write(&r, &e, &f), 0);
		assert_int_equal(audit_write(&r, &e, &f), 0);
		audit_close(&r);
	}
	assert_int_equal(verify(), 6);
}

static void test_torn(void **state)
{
	static const char zeros[5000];
	size_t n, cut;
	char *text;

	(void)state;
	append("{\"seq\":1,\"ti", 12);
	write_some(2);
	assert_int_equal(verify(), 2);
	append("{\"seq\":3,\"time\":\"2026\",\"hash\":\"01", 32);
	write_some(1);
	assert_int_equal(verify(), 3);
	append(zeros, sizeof(zeros));
	write_some(1);
	assert_int_equal(verify(), 4);
	/* Cut at every byte of the last line. */
	text = slurp(&n);
	for (cut = n - 1; text[cut - 1] != '\n'; cut--) {
		assert_int_equal(truncate(path, (off_t)cut), 0);
		write_some(0);
		assert_int_equal(verify(), 3);
		write_some(1);
		assert_int_equal(verify(), 4);
	}
	free(text);
}

static void test_strange(void **state)
{
	static const char *const lines[] = { "my notes\n", "{\"seq\":x,\"hash\":\"00\"}\n", "\n",
					     "{\"seq\":1,\"hash\":\"0123\"}\n" };
	struct failure f = { 0 };
	struct audit_log r;
	size_t i, n;
	char *text;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unlink(path);
		append(lines[i], strlen(lines[i]));
		assert_int_equal(audit_open(&r, dir, &f), -1);
		assert_int_equal(f.code, FAIL_DAMAGED);
		text = slurp(&n);
		assert_string_equal(text, lines[i]); /* as it was found */
		free(text);
	}
}

static void test_unsafe(void **state)
{
	struct failure f = { 0 };
	struct audit_log r;

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(audit_open(&r, dir, &f), -1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(audit_open(&r, dir, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	unlink(path);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(audit_open(&r, dir, &f), -1);
	assert_int_equal(f.code, FAIL_UNSAFE_PATH);
	assert_int_equal(chmod(dir, 0700), 0);
}

/* In a fork with a limit on file sizes: how many lines were accepted. */
static int until_full(void)
{
	struct rlimit limit = { 3000, 3000 };
	struct failure f = { 0 };
	struct audit_log r;
	int n = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || audit_open(&r, dir, &f) != 0)
		return 255;
	while (audit_write(&r, &simple, &f) == 0)
		n++;
	if (f.code != FAIL_SYSTEM || !strstr(f.hint, "room on the disk"))
		return 254;
	/* And again: what did not fit was taken back. */
	return audit_write(&r, &simple, &f) == -1 ? n : 253;
}

static void test_full(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(until_full());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_in_range(WEXITSTATUS(status), 5, 50);
	assert_int_equal(verify(), WEXITSTATUS(status));
	write_some(1); /* without the limit it goes on where it was */
	assert_int_equal(verify(), WEXITSTATUS(status) + 1);
}

/* n lines with a limit that about 10 of them reach. */
static void write_short(unsigned n)
{
	struct failure f = { 0 };
	struct audit_log r;

	assert_int_equal(audit_open(&r, dir, &f), 0);
	for (r.size_max = 1500; n > 0; n--)
		assert_int_equal(audit_write(&r, &simple, &f), 0);
	audit_close(&r);
}

/* The number of the last line of record.1.jsonl, and its hash. */
static unsigned old_end(char hash[65])
{
	struct failure f = { 0 };
	unsigned seq = 0;
	char *text, *last;
	size_t n;

	assert_int_equal(io_slurp(old, 1 << 20, &text, &n, &f), 0);
	text[n - 1] = '\0';
	last = strrchr(text, '\n');
	assert_non_null(last);
	assert_int_equal(sscanf(last, "\n{\"seq\":%u,", &seq), 1);
	memcpy(hash, strstr(last, ",\"hash\":\"") + 9, 64);
	hash[64] = '\0';
	free(text);
	return seq;
}

static void test_begins_anew(void **state)
{
	struct stat st;
	char hash[65];
	unsigned n, at;

	(void)state;
	/* In one go, and with a start before each line. */
	write_short(25);
	at = old_end(hash);
	assert_in_range(at, 10, 24);
	assert_int_equal(verify_from(at, hash), 25);
	for (n = 26; n < 60; n++) {
		write_short(1);
		at = old_end(hash);
		assert_int_equal(verify_from(at, hash), n);
		assert_int_equal(stat(path, &st), 0);
		assert_in_range(st.st_size, 1, 1500 + 200);
	}
	/* A crash between the old file's new name and the new file. */
	assert_int_equal(rename(path, old), 0);
	write_some(1);
	at = old_end(hash);
	assert_int_equal(at, 59);
	assert_int_equal(verify_from(at, hash), 60);
	/* The same, with that file's last line torn. */
	write_some(2);
	append("{\"seq\":63,", 10);
	assert_int_equal(rename(path, old), 0);
	write_some(1);
	at = old_end(hash);
	assert_int_equal(at, 62);
	assert_int_equal(verify_from(at, hash), 63);
}

/* Where no new file can be begun the present one grows on. */
static void test_cannot_begin_anew(void **state)
{
	(void)state;
	write_short(5);
	assert_int_equal(mkdir(old, 0700), 0);
	write_short(20);
	assert_int_equal(verify(), 25);
	assert_int_equal(rmdir(old), 0);
	write_short(1);
	assert_int_equal(access(old, F_OK), 0);
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/ccrun-record-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/record.jsonl", dir);
	snprintf(old, sizeof(old), "%s/record.1.jsonl", dir);
	return libsodium_start(NULL);
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	unlink(old);
	return rmdir(dir);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain), TEST(test_fields),	  TEST(test_longest_line),
		TEST(test_torn),  TEST(test_strange),	  TEST(test_unsafe),
		TEST(test_full),  TEST(test_begins_anew), TEST(test_cannot_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
