/*
 * tests/relay/test_secret_filter.c - secrets are overwritten wherever the stream is
 * split, and nothing else is changed or delayed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "relay/secret_filter.h"
#include "tests/relay/filter_reference.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define STREAM_MAX 262144

static struct secret_set set;
static struct secret_filter filter;
static uint8_t out[STREAM_MAX], wanted[STREAM_MAX];

static struct secret_text secret_of(const char *text)
{
	return (struct secret_text){ (const uint8_t *)text, strlen(text) };
}

static void set_of(const struct secret_text *secrets, size_t count)
{
	assert_int_equal(secret_set_init(&set, secrets, count, NULL), 0);
	secret_filter_init(&filter, &set);
}

/* Pass n bytes on with room for `room` at a time; returns where out ends then. */
static size_t pass(const uint8_t *in, size_t n, size_t at, size_t room)
{
	size_t written, taken = 0, size;

	do {
		size = room < STREAM_MAX - at ? room : STREAM_MAX - at;
		taken += secret_filter_write(&filter, in + taken, n - taken, out + at, size,
					     &written);
		assert_true(written <= size && taken <= n);
		at += written;
	} while (written == size && size);
	assert_int_equal(taken, n);
	return at;
}

static size_t finish(size_t at, size_t room)
{
	size_t n;

	do {
		n = secret_filter_finish(&filter, out + at, room);
		assert_true(n <= room);
		at += n;
	} while (n == room);
	return at;
}

/* ---- every split ---- */

static const char *const KEY = "sk-ant-0";

/* How much of a stream must be out, by how much of it has come. */
static size_t decided[64];

static void try_split(const char *stream, size_t n, const size_t *cuts, size_t room)
{
	const uint8_t *p = (const uint8_t *)stream;
	size_t at = 0, from = 0, i;

	for (i = 0; i < 3; i++) {
		at = pass(p + from, cuts[i] - from, at, room);
		assert_int_equal(at, decided[cuts[i]]);
		from = cuts[i];
	}
	assert_int_equal(finish(at, room), n);
	assert_memory_equal(out, wanted, n);
}

static void try_every_split(const struct secret_text *secrets, size_t count, const char *stream)
{
	const uint8_t *p = (const uint8_t *)stream;
	size_t n = strlen(stream), cuts[3] = { 0, 0, n }, i;

	assert_true(n < COUNT(decided));
	set_of(secrets, count);
	reference_mask(secrets, count, p, n, wanted);
	for (i = 0; i <= n; i++)
		decided[i] = reference_decided(secrets, count, p, i);
	for (cuts[0] = 0; cuts[0] <= n; cuts[0]++)
		for (cuts[1] = cuts[0]; cuts[1] <= n; cuts[1]++) {
			try_split(stream, n, cuts, STREAM_MAX);
			try_split(stream, n, cuts, 1);
			try_split(stream, n, cuts, 7);
		}
}

static void test_every_place_and_split(void **state)
{
	struct secret_text secret = secret_of(KEY);
	char stream[33];
	size_t at;

	(void)state;
	for (at = 0; at + secret.n < sizeof(stream); at++) {
		memset(stream, 's', sizeof(stream) - 1);
		stream[sizeof(stream) - 1] = '\0';
		memcpy(stream + at, KEY, secret.n);
		try_every_split(&secret, 1, stream);
		assert_null(memchr(wanted, '-', sizeof(stream) - 1));
	}
}

static void test_overlapping(void **state)
{
	static const struct {
		const char *secrets[SECRETS_MAX], *stream, *wanted;
	} cases[] = {
		/* itself: with its own end, side by side, and one that is not complete */
		{ { "abcabcab" }, "xabcabcabcabcaby", "x**************y" },
		{ { "abcdefgh" }, "abcdefghabcdefghabcdefg", "****************abcdefg" },
		{ { "aaaaaaaa" }, "aaaaaaabaaaaaaaaaaab", "aaaaaaab***********b" },
		/* one ends where another begins */
		{ { "12345678", "78abcdef" },
		  "0123456 12345678abcdefg",
		  "0123456 **************g" },
		{ { "12345678", "5678abcd" }, "12345678abc5678abcd", "********abc********" },
		/* one within another, whether that one completes or not */
		{ { "xyabcdefghyx", "abcdefgh" }, "xyabcdefghyxz", "************z" },
		{ { "xyabcdefghyx", "abcdefgh" }, "xyabcdefghyz", "xy********yz" },
		{ { "abcdefgh", "abcdefghij", "efghijkl", "ghijklmn" },
		  ".abcdefghijklmn.",
		  ".**************." },
		{ { "xAAAAAAAAyAAAAAAAAz", "AAAAAAAA" },
		  "xAAAAAAAAyAAAAAAAAw",
		  "x********y********w" },
		/* of two lengths, the longer one first or last: a run that is only one of them */
		{ { "abcdefgh", "0123456789ab" }, "x abcdefgh y", "x ******** y" },
		{ { "0123456789ab", "abcdefgh" }, "x abcdefgh y", "x ******** y" },
		/* the same twice; stars in the stream */
		{ { "abcdefgh", "abcdefgh" }, "-abcdefgh-", "-********-" },
		{ { "abcdefgh" }, "**abcdefgh*abcd*", "***********abcd*" },
	};
	struct secret_text secrets[SECRETS_MAX];
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		for (k = 0; k < SECRETS_MAX && cases[i].secrets[k]; k++)
			secrets[k] = secret_of(cases[i].secrets[k]);
		try_every_split(secrets, k, cases[i].stream);
		assert_memory_equal(wanted, cases[i].wanted, strlen(cases[i].wanted));
		assert_int_equal(strlen(cases[i].stream), strlen(cases[i].wanted));
	}
}

/* The sum only says where to look: a text that has it, and other bytes, passes. */
static void test_same_sum(void **state)
{
	struct secret_text secret = secret_of("abcdefgh");
	static const char stream[] = "is it hgfedcba? no: abcdefgh";
	size_t n = sizeof(stream) - 1, i;

	(void)state;
	set_of(&secret, 1);
	/* To this base the order of bytes does not count. */
	set.base = set.first_power[0] = 1;
	set.sum[0] = 0;
	for (i = 0; i < secret.n; i++)
		set.sum[0] += secret.p[i];
	assert_int_equal(finish(pass((const uint8_t *)stream, n, 0, STREAM_MAX), STREAM_MAX), n);
	assert_memory_equal(out, "is it hgfedcba? no: ********", n);
}

/* ---- what is held back ---- */

static size_t out_at;

static void say(const char *text)
{
	out_at = pass((const uint8_t *)text, strlen(text), out_at, STREAM_MAX);
}

static void expect_out(const char *text)
{
	assert_int_equal(out_at, strlen(text));
	assert_memory_equal(out, text, out_at);
}

static void test_nothing_stalls(void **state)
{
	struct secret_text secrets[] = { secret_of("sk-ant-0123"), secret_of("abcabcab") };

	(void)state;
	set_of(secrets, 2);
	out_at = 0;
	say("data: {}\n\n");
	expect_out("data: {}\n\n");
	say("the keys ");
	expect_out("data: {}\n\nthe keys ");
	/* The end of a word, whether it is one of a secret or not, up to ten bytes. */
	say("s");
	expect_out("data: {}\n\nthe keys ");
	say("x-ant-01");
	expect_out("data: {}\n\nthe keys ");
	say("23");
	expect_out("data: {}\n\nthe keys s");
	say("\n");
	expect_out("data: {}\n\nthe keys sx-ant-0123\n");
	say("abcabcab");
	expect_out("data: {}\n\nthe keys sx-ant-0123\n");
	say("cab*sk-ant-012");
	expect_out("data: {}\n\nthe keys sx-ant-0123\n************");
	out_at = finish(out_at, 2);
	expect_out("data: {}\n\nthe keys sx-ant-0123\n************sk-ant-012");
	/* A stream ends with finish: what follows is another one. */
	out_at = 0;
	say("3 ");
	expect_out("3 ");
}

/* What is out after each byte of a guess, and of the line that it ends. */
static void follow_guess(const char *guess, size_t after[64])
{
	size_t i, n = strlen(guess);

	assert_true(n < 64);
	out_at = 0;
	for (i = 0; i < n; i++) {
		out_at = pass((const uint8_t *)guess + i, 1, out_at, STREAM_MAX);
		after[i] = out_at;
	}
	out_at = finish(out_at, STREAM_MAX);
}

/* Else who has a provider repeat guesses reads the secret byte by byte. */
static void test_what_is_held_back_is_no_secrets_word(void **state)
{
	static const char *const guesses[] = { "is it sk-ant-0x?", "is it sk-ant-xx?",
					       "is it sk-xxxxxx?", "is it xxxxxxxxx?",
					       "is it xk-ant-01?", "is it sk-ant-01?" };
	struct secret_text secret = secret_of("sk-ant-0123");
	size_t first[64], after[64], i;

	(void)state;
	set_of(&secret, 1);
	follow_guess(guesses[0], first);
	for (i = 1; i < COUNT(guesses); i++) {
		follow_guess(guesses[i], after);
		assert_memory_equal(after, first, strlen(guesses[0]) * sizeof(after[0]));
	}
}

/* ---- sizes ---- */

static uint32_t random_state = 1;

static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* In pieces of any size; the output is right, and as much of it is there as must be. */
static void try_random_pieces(const struct secret_text *secrets, size_t count, const uint8_t *in,
			      size_t n)
{
	size_t from, size, at = 0, longest = 0, i;

	for (i = 0; i < count; i++)
		longest = secrets[i].n > longest ? secrets[i].n : longest;
	set_of(secrets, count);
	reference_mask(secrets, count, in, n, wanted);
	for (from = 0; from < n; from += size) {
		size = random_next() % 20000;
		size = size < n - from ? size : n - from;
		at = pass(in + from, size, at, 1 + random_next() % 5000);
		assert_true(at <= from + size && from + size - at < longest);
	}
	assert_int_equal(finish(at, 4096), n);
	assert_memory_equal(out, wanted, n);
}

static void test_longest_secrets(void **state)
{
	/* No longer than it must be: each byte is compared with all of both secrets. */
	static uint8_t stream[9 * SECRET_MAX / 2], same[SECRET_MAX], other[SECRET_MAX];
	struct secret_text secrets[] = { { same, SECRET_MAX }, { other, SECRET_MAX } };
	uint8_t *whole = stream + SECRET_MAX + 100, *short_by_one = whole + SECRET_MAX + 100;
	size_t i;

	(void)state;
	memset(same, 'a', sizeof(same));
	for (i = 0; i < SECRET_MAX; i++)
		other[i] = (uint8_t)('a' + random_next() % 3);
	other[SECRET_MAX - 1] = 'b';
	memset(stream, 'a', sizeof(stream));
	stream[5] = 'b';
	stream[5 + SECRET_MAX] = 'b'; /* one a too few */
	memcpy(whole, other, SECRET_MAX);
	memcpy(short_by_one, other, SECRET_MAX - 1);
	memcpy(stream + sizeof(stream) - 99, other, 99);
	try_random_pieces(secrets, 2, stream, sizeof(stream));
	try_random_pieces(secrets + 1, 1, stream, sizeof(stream));
	assert_int_equal(wanted[whole - stream], '*');
	assert_int_equal(wanted[whole + SECRET_MAX - 1 - stream], '*');
	assert_int_not_equal(wanted[short_by_one - stream], '*');
	assert_int_not_equal(wanted[6], '*');
}

static void test_sizes_refused(void **state)
{
	static uint8_t text[SECRET_MAX + 1];
	struct secret_text five[5] = {
		{ text, 8 }, { text, 8 }, { text, 8 }, { text, 8 }, { text, 8 }
	};
	struct secret_text bad = { text, SECRET_MIN - 1 };
	struct secret_text strange[][2] = { { secret_of("abcdefgh"), secret_of("****ijkl") },
					    { secret_of("abcdefgh"), secret_of("abcd efgh") },
					    { secret_of("abcdefgh"), secret_of("abcd\nefgh") },
					    { secret_of("abcdefgh"), secret_of("abcd\xffgh") } };
	struct failure f;
	size_t i;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(secret_set_init(&set, five, 5, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	assert_int_equal(secret_set_init(&set, five, 4, &f), 0);
	assert_int_equal(secret_set_init(&set, &bad, 1, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(set.count, 0);
	bad.n = SECRET_MAX + 1;
	assert_int_equal(secret_set_init(&set, &bad, 1, &f), -1);
	assert_int_equal(f.code, FAIL_TOO_LARGE);
	/* They would not be found: such bytes end a run. */
	for (i = 0; i < COUNT(strange); i++) {
		assert_int_equal(secret_set_init(&set, strange[i], 2, &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
		assert_int_equal(set.count, 0);
	}
	/* Without a secret all passes. */
	set_of(NULL, 0);
	out_at = 0;
	say("anything");
	expect_out("anything");
}

static void test_wipe(void **state)
{
	static const uint8_t zero[sizeof(set) > sizeof(filter) ? sizeof(set) : sizeof(filter)];
	struct secret_text secret = secret_of(KEY);

	(void)state;
	set_of(&secret, 1);
	out_at = 0;
	say("sk-ant-");
	secret_filter_wipe(&filter);
	assert_memory_equal(&filter, zero, sizeof(filter));
	secret_set_wipe(&set);
	assert_true(set.wiped);
	set.wiped = false;
	assert_memory_equal(&set, zero, sizeof(set));
	/* What was written is not held any more either. */
	set_of(&secret, 1);
	say("sk-ant-0 sk-ant-x ");
	assert_memory_equal(filter.held, zero, sizeof(filter.held));
	assert_memory_equal(filter.masked, zero, sizeof(filter.masked));
}

/* A stream that outlives what it is searched for. */
static void test_a_wiped_set_knows_no_byte_that_may_pass(void **state)
{
	struct secret_text secret = secret_of(KEY);

	(void)state;
	set_of(&secret, 1);
	out_at = 0;
	say("one sk-ant-");
	secret_set_wipe(&set);
	say(" ");
	say(KEY);
	say(" two");
	out_at += secret_filter_finish(&filter, out + out_at, sizeof(out) - out_at);
	assert_true(out_at > strlen(KEY));
	out[out_at] = '\0';
	assert_null(strstr((char *)out, "ant"));
	assert_null(strstr((char *)out, "two"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_place_and_split),
		cmocka_unit_test(test_overlapping),
		cmocka_unit_test(test_same_sum),
		cmocka_unit_test(test_nothing_stalls),
		cmocka_unit_test(test_what_is_held_back_is_no_secrets_word),
		cmocka_unit_test(test_longest_secrets),
		cmocka_unit_test(test_sizes_refused),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_a_wiped_set_knows_no_byte_that_may_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
