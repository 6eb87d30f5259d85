/*
 * tests/fuzz/fuzz_usage.c - damaged answers of quota endpoints through every
 * parser of ccrun-usage.
 *
 *   fuzz_usage SECONDS [FIRST]
 *
 * Starts from documented answers, damages them in ways that come from a fixed
 * sequence (answer number N is the same in every run; FIRST begins there).
 * Whatever comes in, what comes out is a word or numbers within their bounds.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/usage/answers.h"
#include "helpers/usage/kinds.h"
#include "helpers/usage/numbers.h"

#define ROOM 16384

static const char *const seeds[] = {
	"{\"data\":{\"label\":\"sk\",\"limit\":100,\"limit_remaining\":74.5,\"usage\":25.5,\"usage_monthly\":7.25}}",
	"{\"data\":{\"limit\":null,\"usage\":25.5,\"usage_daily\":0,\"is_free_tier\":false}}",
	"{\"code\":200,\"success\":true,\"data\":{\"level\":\"pro\",\"limits\":[{\"type\":\"TIME_LIMIT\",\"unit\":5,"
	"\"number\":1,\"percentage\":28,\"nextResetTime\":1772615765983},{\"type\":\"TOKENS_LIMIT\",\"unit\":3,"
	"\"number\":5,\"percentage\":1},{\"unit\":6,\"percentage\":\"12.5\"}]}}",
	"{\"code\":401,\"success\":false}",
	"{\"is_available\":true,\"balance_infos\":[{\"currency\":\"CNY\",\"total_balance\":\"110.00\"},"
	"{\"currency\":\"USD\",\"total_balance\":\"-0.001\"}]}",
	"{\"data\":{\"available_balance\":49.58894,\"cash_balance\":3,\"totalBalance\":\"88.88\"}}",
	"{\"model_remains\":[{\"model_name\":\"MiniMax-M2\",\"current_interval_remaining_percent\":58.5,"
	"\"end_time\":1800000000000}],\"base_resp\":{\"status_code\":0}}",
	"{\"five_hour\":{\"utilization\":23.5,\"resets_at\":\"2027-01-15T08:00:00.123456+00:00\"},"
	"\"seven_day\":{\"utilization\":8,\"resets_at\":null}}",
};

/* What a number, a text, a list could be instead. */
static const char *const instead[] = {
	"null", "true", "[]", "{}", "\"\"", "-1", "1e400", "-1e308", "1e-400", "0", "-0.0", "18446744073709551616",
	"9223372036854775807", "\"NaN\"", "\"1e9\"", "\"0000000000000000000000000000000000000001\"", "\"\\u0000\"",
	"10000", "10000.01", "999999999.999", "\"2027-02-31T23:59:60-14:00\"", "\"2200-12-31T23:59:59Z\"", "3", "6",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t number; /* of the answer at hand */
static uint64_t understood;
static uint64_t rnd_state;

/* splitmix64: any number begins a good sequence. */
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

#define MUST(c)                                                                                      \
	do {                                                                                         \
		if (!(c)) {                                                                          \
			fprintf(stderr, "fuzz_usage: answer %llu: %s\n", (unsigned long long)number, \
				#c);                                                                 \
			abort();                                                                     \
		}                                                                                    \
	} while (0)

/* Put n bytes in the place of `drop` bytes at `at`, as far as there is room. */
static void splice(char *work, size_t *len, size_t at, size_t drop, const char *p, size_t n)
{
	if (drop > *len - at)
		drop = *len - at;
	if (*len - drop + n > ROOM)
		return;
	memmove(work + at + n, work + at + drop, *len - at - drop);
	memcpy(work + at, p, n);
	*len = *len - drop + n;
}

/* The length of the value that begins at `at`: up to what ends one. */
static size_t value_length(const char *work, size_t len, size_t at)
{
	size_t n = 0;

	while (at + n < len && !strchr(",}]", work[at + n]))
		n++;
	return n;
}

/* Another value behind one of the colons. */
static void replace_value(char *work, size_t *len)
{
	const char *by = instead[below(COUNT(instead))];
	size_t i, at = below(*len ? *len : 1);

	for (i = 0; i < *len; i++, at = (at + 1) % *len)
		if (work[at] == ':' && at + 1 < *len) {
			splice(work, len, at + 1, value_length(work, *len, at + 1), by, strlen(by));
			return;
		}
}

static void damage(char *work, size_t *len)
{
	size_t at = below(*len + 1), n, i;
	char c;

	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		replace_value(work, len);
		break;
	case 3: /* another byte */
		c = (char)below(256);
		if (at < *len)
			work[at] = c;
		break;
	case 4: /* a piece less */
		splice(work, len, at, 1 + below(20), "", 0);
		break;
	case 5: /* a piece twice */
		n = below(*len - at + 1);
		if (*len + n <= ROOM) {
			memmove(work + at + n, work + at, *len - at);
			*len += n;
		}
		break;
	case 6: /* cut off */
		*len = at;
		break;
	default: /* deep */
		n = below(4000);
		for (i = 0; i < n && *len < ROOM; i++)
			splice(work, len, at, 0, i % 3 ? "[" : "{\"a\":", i % 3 ? 1 : 5);
	}
}

static void one(void)
{
	static char work[ROOM];
	const char *seed;
	struct numbers n;
	size_t len, i, times;
	char *exact;

	rnd_state = number * 0xd1342543de82ef95u;
	seed = seeds[below(COUNT(seeds))];
	len = strlen(seed);
	memcpy(work, seed, len);
	times = below(5);
	for (i = 0; i < times; i++)
		damage(work, &len);
	/* A block of exactly its size: a byte read too many is seen. */
	exact = malloc(len ? len : 1);
	MUST(exact != NULL);
	memcpy(exact, work, len);
	for (i = 0; kind_name((unsigned)i); i++) {
		memset(&n, 0, sizeof(n));
		answer_read(kind_find(kind_name((unsigned)i)), "api.example.cn", exact, len, &n);
		MUST(numbers_ok(&n));
		MUST(n.error == USAGE_DONE || n.count == 0);
		understood += n.error == USAGE_DONE && n.count > 0;
	}
	free(exact);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	int64_t end = io_now_ms() + (int64_t)(seconds * 1000);
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (seconds <= 0) {
		fputs("usage: fuzz_usage SECONDS [FIRST]\n", stderr);
		return EXIT_USAGE;
	}
	for (number = first; number < first + 1000 || io_now_ms() < end; number++)
		one();
	/* A fuzzer whose answers are never understood looks at nothing. */
	MUST(understood > 0);
	printf("fuzz_usage: %llu answers, %llu times understood\n", (unsigned long long)(number - first),
	       (unsigned long long)understood);
	return EXIT_DONE;
}
