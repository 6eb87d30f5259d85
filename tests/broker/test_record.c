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

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/utf8.h"
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
				     "\"a\\u0022b\\u005cc\\u0001\\u000a\\u007f\xc3\xa9\","
				     "\"why\":\"it's\",\"hash\":\""));
	free(text);
	assert_int_equal(verify(), 1);
}

/* What a person can read stays; what would mislead one, and what is no UTF-8, does not. */
static void test_text(void **state)
{
	static const char *const pairs[][2] = {
		{ "/tmp/gr\xc3\xbc\xc3\x9f"
		  "e",
		  "/tmp/gr\xc3\xbc\xc3\x9f"
		  "e" },
		{ "\xf0\x9f\x9a\x80 \xe6\x97\xa5", "\xf0\x9f\x9a\x80 \xe6\x97\xa5" },
		{ "a\xffz\xc3", "a\\u00ffz\\u00c3" },	     /* no UTF-8, and one cut off */
		{ "\xc0\xaf", "\\u00c0\\u00af" },	     /* overlong */
		{ "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080" }, /* a surrogate */
		{ "\xc2\x9b"
		  "31m\x1b[m",
		  "\\u009b31m\\u001b[m" }, /* C1, C0 */
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\u202eb" }, /* right-to-left override */
		{ "a\xe2\x80\xa8\xe2\x80\xa9"
		  "b",
		  "a\\u2028\\u2029b" },
		{ "\xe2\x81\xa6x\xef\xbb\xbf", "\\u2066x\\ufeff" },
		{ "\xf3\xa0\x81\x81", "\\udb40\\udc41" }, /* a tag */
		{ "a\nb\tc\r", "a\\u000ab\\u0009c\\u000d" },
	};
	char before[AUDIT_HASH_HEX + 1] = "", hash[AUDIT_HASH_HEX + 1], wanted[128];
	struct audit_event e = { .event = "get", .result = "granted" };
	struct audit_line l;
	uint64_t seq;
	unsigned i;

	(void)state;
	memset(before, '0', AUDIT_HASH_HEX);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		e.why = pairs[i][0];
		audit_line_format(&l, &e, 7, before);
		snprintf(wanted, sizeof(wanted), ",\"why\":\"%s\",\"hash\":", pairs[i][1]);
		assert_non_null(strstr(l.text, wanted));
		assert_true(audit_line_read(l.text, l.n - 1, &seq, hash));
		assert_int_equal(seq, 7);
		assert_string_equal(hash, l.hash);
	}
}

/* A long text is cut between two characters. */
static void test_cut_between_characters(void **state)
{
	char before[AUDIT_HASH_HEX + 1] = "", text[1200];
	struct audit_event e = { .event = "get", .result = "granted", .why = text };
	struct audit_line l;
	unsigned shift, i;

	(void)state;
	memset(before, '0', AUDIT_HASH_HEX);
	for (shift = 0; shift < 4; shift++) {
		memset(text, 'a', shift);
		for (i = 0; i < 200; i++)
			memcpy(text + shift + 4 * i, "\xf0\x9f\x9a\x80", 4);
		text[shift + 800] = '\0';
		audit_line_format(&l, &e, 1, before);
		assert_true(utf8_valid(l.text, l.n));
		assert_non_null(strstr(l.text, "\xf0\x9f\x9a\x80\",\"hash\":"));
	}
}

static void test_numbers(void **state)
{
	struct audit_sums sums = { .requests = 3, .failed = 1, .unpriced = 3 };
	char before[AUDIT_HASH_HEX + 1] = "";
	struct audit_event e = { .event = "end", .result = "done", .pid = 12, .sums = &sums };
	struct audit_line l;

	(void)state;
	memset(before, '0', AUDIT_HASH_HEX);
	audit_line_format(&l, &e, 1, before);
	assert_non_null(strstr(l.text, "\"result\":\"done\",\"pid\":12,\"requests\":3,"
				       "\"refused\":0,\"failed\":1,\"restarts\":0,\"input\":0,"
				       "\"output\":0,\"cache_write\":0,\"cache_read\":0,"
				       "\"estimated\":0,\"unpriced\":3,\"hash\":"));
	/* A cost that nobody knows is no cost of 0. */
	sums.unpriced = 2;
	sums.micros = UINT64_MAX / 2;
	audit_line_format(&l, &e, 1, before);
	assert_non_null(strstr(l.text, "\"unpriced\":2,\"cost_micros\":9223372036854775807,"));
}

static void test_not_a_line(void **state)
{
	static const char *const lines[] = {
		"",
		"{",
		"{\"seq\":1}",
		"{\"seq\":1,\"hash\":\"00\"}",
		"{\"seq\":-1,\"hash\":\""
		"0000000000000000000000000000000000000000000000000000000000000000\"",
		"{\"seq\":1,\"hash\":\""
		"000000000000000000000000000000000000000000000000000000000000000g\"}",
		" {\"seq\":1,\"hash\":\""
		"0000000000000000000000000000000000000000000000000000000000000000\"}",
	};
	char hash[AUDIT_HASH_HEX + 1];
	uint64_t seq;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(audit_line_read(lines[i], strlen(lines[i]), &seq, hash));
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
	if (f.code != FAIL_SYSTEM || !strstr(f.hint, "room on the disk") ||
	    !strstr(f.what, strerror(ENOSPC)))
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

/* Each line of both files is found, and no other. */
static void test_find(void **state)
{
	char hash[AUDIT_HASH_HEX + 1], end[AUDIT_HASH_HEX + 1];
	struct failure f = { 0 };
	struct audit_log r;
	unsigned n, first = 0, seq;
	int lowest, again;
	char *text;
	size_t size;

	(void)state;
	write_short(60);
	assert_int_equal(io_slurp(old, 1 << 20, &text, &size, &f), 0);
	assert_int_equal(sscanf(text, "{\"seq\":%u,", &first), 1);
	free(text);
	seq = old_end(end);
	assert_int_equal(audit_open(&r, dir, &f), 0);
	assert_int_equal(r.opened, 60);
	lowest = dup(r.fd);
	close(lowest);
	for (n = first; n <= 60; n++)
		assert_true(audit_find(&r, n, hash));
	assert_string_equal(hash, r.hash);
	assert_true(audit_find(&r, seq, hash));
	assert_string_equal(hash, end);
	assert_true(audit_find(&r, seq + 1, hash));
	assert_false(audit_find(&r, first - 1, hash));
	assert_false(audit_find(&r, 61, hash));
	assert_false(audit_find(&r, 0, hash));
	/* It leaves no descriptor open. */
	again = dup(r.fd);
	close(again);
	assert_int_equal(again, lowest);
	audit_close(&r);
}

static void test_read(void **state)
{
	struct failure f = { 0 };
	struct audit_log r;
	char part[4096], *text;
	void *nowhere; /* is written to by nobody */
	uint64_t size;
	size_t n;

	(void)state;
	write_some(3);
	assert_int_equal(audit_open(&r, dir, &f), 0);
	text = slurp(&n);
	assert_int_equal(audit_read(&r, false, 0, part, sizeof(part), &size, &f), n);
	assert_int_equal(size, n);
	assert_memory_equal(part, text, n);
	assert_int_equal(audit_read(&r, false, 7, part, 9, &size, &f), 9);
	assert_memory_equal(part, text + 7, 9);
	assert_int_equal(audit_read(&r, false, n, part, sizeof(part), &size, &f), 0);
	/* There is no older file, which is no failure; what cannot be read is one. */
	assert_int_equal(audit_read(&r, true, 0, part, sizeof(part), &size, &f), 0);
	assert_int_equal(size, 0);
	assert_int_equal(f.code, FAIL_NONE);
	assert_int_equal(symlink(path, old), 0);
	assert_int_equal(audit_read(&r, true, 0, part, sizeof(part), &size, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	f.code = FAIL_NONE;
	nowhere = mmap(NULL, sizeof(part), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(nowhere, MAP_FAILED);
	assert_int_equal(audit_read(&r, false, 0, nowhere, sizeof(part), &size, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	munmap(nowhere, sizeof(part));
	free(text);
	audit_close(&r);
}

/* The file is changed under the one that writes it. */
static void meddle(void (*change)(void), const char *words)
{
	struct failure f = { 0 };
	struct audit_log r;
	char *text, *line;
	size_t n;

	unlink(path);
	assert_int_equal(audit_open(&r, dir, &f), 0);
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_string_equal(r.news, "");
	change();
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_non_null(strstr(r.news, words));
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_int_equal(r.seq, 5);
	audit_close(&r);
	text = slurp(&n);
	/* A line of its own, which no empty one precedes. */
	line = strstr(text, "{\"seq\":3,");
	assert_non_null(line);
	assert_true(line == text || line[-1] == '\n');
	assert_null(strstr(text, "\n\n"));
	assert_non_null(strstr(text, "\"event\":\"log-cut\",\"result\":\"found\",\"why\":\""));
	assert_non_null(strstr(text, words));
	free(text);
}

static void cut_a_byte(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
}

static void cut_a_line(void)
{
	size_t n;
	char *text = slurp(&n);

	text[n - 1] = '\0';
	assert_int_equal(truncate(path, strrchr(text, '\n') + 1 - text), 0);
	free(text);
}

static void remove_it(void)
{
	assert_int_equal(unlink(path), 0);
}

static void replace_it(void)
{
	remove_it();
	append("{}\n", 3);
}

static void add_to_it(void)
{
	append("half a line", 11);
}

static void test_meddling(void **state)
{
	(void)state;
	meddle(cut_a_byte, "1 bytes shorter");
	meddle(cut_a_line, "bytes shorter");
	meddle(remove_it, "was removed");
	meddle(replace_it, "another file");
	meddle(add_to_it, "11 bytes longer");
}

/* What cannot be written to is not written to: nothing may happen then. */
static void test_meddling_refused(void **state)
{
	struct failure f = { 0 };
	struct audit_log r;

	(void)state;
	assert_int_equal(audit_open(&r, dir, &f), 0);
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(audit_write(&r, &simple, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	audit_close(&r);
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

/* In the place of the C library's: how often, and whether it is to fail. */
static unsigned syncs, dir_syncs, interrupted;
static bool sync_fails;

int fdatasync(int fd)
{
	(void)fd;
	syncs++;
	if (sync_fails)
		errno = EIO;
	return sync_fails ? -1 : 0;
}

/* Of the directory alone. */
int fsync(int fd)
{
	(void)fd;
	dir_syncs++;
	if (sync_fails)
		errno = EIO;
	return sync_fails ? -1 : 0;
}

/* A signal comes before the first byte, that often. */
ssize_t write(int fd, const void *p, size_t n)
{
	if (interrupted) {
		interrupted--;
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_write, fd, p, n);
}

/* A new log has its name on the disk before anything is written; one that goes on had it. */
static void test_new_file_is_synced(void **state)
{
	struct failure f = { 0 };
	struct audit_log r;

	(void)state;
	sync_fails = true;
	assert_int_equal(audit_open(&r, dir, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	sync_fails = false;
	dir_syncs = 0;
	write_some(1);
	assert_int_equal(dir_syncs, 1);
	write_some(1);
	assert_int_equal(dir_syncs, 1);
}

static void test_interrupted(void **state)
{
	struct failure f = { 0 };
	struct audit_log r;

	(void)state;
	assert_int_equal(audit_open(&r, dir, &f), 0);
	interrupted = 3;
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_int_equal(interrupted, 0);
	/* What an earlier call left in errno is no interruption of this one. */
	errno = EINTR;
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	audit_close(&r);
	assert_int_equal(verify(), 2);
}

static void test_close(void **state)
{
	struct failure f = { 0 };
	struct audit_log r;
	int file, directory;

	(void)state;
	assert_int_equal(audit_open(&r, dir, &f), 0);
	file = r.fd;
	directory = r.dir;
	audit_close(&r);
	assert_int_equal(fcntl(file, F_GETFD), -1);
	assert_int_equal(fcntl(directory, F_GETFD), -1);
}

/* A line that gives something is on the disk before it does, where that is wanted. */
static void test_durable(void **state)
{
	struct audit_event gives = { .event = "get", .result = "granted", .gives = true };
	struct failure f = { 0 };
	struct audit_log r;

	(void)state;
	syncs = 0;
	assert_int_equal(audit_open(&r, dir, &f), 0);
	assert_int_equal(audit_write(&r, &gives, &f), 0);
	assert_int_equal(syncs, 0);
	r.durable = true;
	assert_int_equal(audit_write(&r, &simple, &f), 0);
	assert_int_equal(syncs, 0);
	assert_int_equal(audit_write(&r, &gives, &f), 0);
	assert_int_equal(syncs, 1);
	sync_fails = true;
	assert_int_equal(audit_write(&r, &gives, &f), -1);
	assert_int_equal(f.code, FAIL_SYSTEM);
	sync_fails = false;
	assert_int_equal(audit_write(&r, &gives, &f), 0);
	audit_close(&r);
	assert_int_equal(verify(), 5);
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
		TEST(test_chain),
		TEST(test_fields),
		TEST(test_text),
		TEST(test_cut_between_characters),
		TEST(test_numbers),
		TEST(test_not_a_line),
		TEST(test_longest_line),
		TEST(test_torn),
		TEST(test_strange),
		TEST(test_unsafe),
		TEST(test_full),
		TEST(test_begins_anew),
		TEST(test_cannot_begin_anew),
		TEST(test_find),
		TEST(test_read),
		TEST(test_meddling),
		TEST(test_durable),
		TEST(test_new_file_is_synced),
		TEST(test_interrupted),
		TEST(test_close),
		TEST(test_meddling_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
