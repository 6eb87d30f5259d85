/*
 * tests/fuzz/fuzz_secret_filter.c - a stream in any pieces through the filter, which
 * writes what masking the whole stream at once comes to, never more than it has room
 * for, and each byte as soon as it is decided.
 */
#include <stdbool.h>
#include <string.h>

#include "relay/secret_filter.h"
#include "tests/fuzz/fuzz.h"
#include "tests/relay/filter_reference.h"

#define STREAM_MAX 4096

static struct secret_set set;
static struct secret_filter filter;
static uint8_t texts[SECRETS_MAX][64], stream[STREAM_MAX], out[STREAM_MAX], wanted[STREAM_MAX];
static struct secret_text secrets[SECRETS_MAX];

struct fuzz_input {
	const uint8_t *p;
	size_t n;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

static uint8_t input_byte(struct fuzz_input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* Few letters, so that much overlaps; '*' is none of a secret's. */
static uint8_t letter_of(unsigned bits, bool of_secret)
{
	return (uint8_t)(of_secret ? "abac" : "ab*c")[bits & 3];
}

/* Secret i: new letters; or, so that secrets nest, an end of the one before with some. */
static void make_secret(size_t i, struct fuzz_input *in)
{
	uint8_t kind = input_byte(in), bits = 0;
	size_t n = SECRET_MIN + (kind & 31), k = 0;

	if (i && kind & 32) {
		k = secrets[i - 1].n < 8 + (kind & 7u) ? secrets[i - 1].n : 8 + (kind & 7u);
		memcpy(texts[i], secrets[i - 1].p + secrets[i - 1].n - k, k);
		n = n < k ? k : n;
	}
	for (; k < n; k++, bits >>= 2) {
		if (k % 4 == 0)
			bits = input_byte(in);
		texts[i][k] = letter_of(bits, true);
	}
	secrets[i] = (struct secret_text){ texts[i], n };
}

/* The stream: letters, other bytes, and secrets or their beginnings. */
static size_t make_stream(struct fuzz_input *in, size_t count)
{
	size_t n = 0, i, len;
	uint8_t c;

	while (in->n && n < STREAM_MAX - 64) {
		c = input_byte(in);
		if (count && c >= 0x80) {
			i = (c & 3u) % count;
			len = c & 64 ? secrets[i].n : (c >> 2 & 15u) * secrets[i].n / 16;
			memcpy(stream + n, secrets[i].p, len);
			n += len;
		} else {
			stream[n++] = c & 64 ? c : letter_of(c, false);
		}
	}
	return n;
}

static uint32_t split_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* Pass a piece on in rooms of any size; returns where the output ends then. */
static size_t pass_piece(const uint8_t *p, size_t n, size_t at, uint32_t *seed)
{
	size_t size, written;

	do {
		size_t taken;

		size = 1 + split_next(seed) % 40;
		size = size < STREAM_MAX - at ? size : STREAM_MAX - at;
		taken = secret_filter_write(&filter, p, n, out + at, size, &written);
		MUST(taken <= n && written <= size);
		p += taken;
		n -= taken;
		at += written;
	} while (written == size);
	MUST(n == 0);
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz_input in = { p, n };
	size_t count, i, len, at = 0, from, size, longest = 0;
	uint32_t seed;

	fuzz_inputs++;
	count = input_byte(&in) % (SECRETS_MAX + 1u);
	seed = input_byte(&in);
	for (i = 0; i < count; i++) {
		make_secret(i, &in);
		longest = secrets[i].n > longest ? secrets[i].n : longest;
	}
	len = make_stream(&in, count);
	MUST(secret_set_init(&set, secrets, count, NULL) == 0);
	secret_filter_init(&filter, &set);
	for (from = 0; from < len; from += size) {
		size = split_next(&seed) % 70;
		size = size < len - from ? size : len - from;
		at = pass_piece(stream + from, size, at, &seed);
		MUST(at == reference_decided(secrets, count, stream, from + size));
		MUST(from + size - at < (longest ? longest : 1));
	}
	do {
		size = secret_filter_finish(&filter, out + at, len - at < 5 ? len - at : 5);
		at += size;
	} while (size);
	MUST(at == len);
	fuzz_understood += reference_mask(secrets, count, stream, len, wanted) > 0;
	MUST(memcmp(out, wanted, len) == 0);
	return 0;
}
