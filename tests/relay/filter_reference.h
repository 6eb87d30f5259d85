/*
 * tests/relay/filter_reference.h - what relay/secret_filter.h must come to, by comparing
 * every place of the whole stream with every secret.
 */
#ifndef TESTS_RELAY_FILTER_REFERENCE_H
#define TESTS_RELAY_FILTER_REFERENCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "relay/secret_filter.h"

/* Write the n bytes at in to out with each occurrence overwritten; returns how many
   bytes belong to one. */
static size_t reference_mask(const struct secret_text *secrets, size_t count, const uint8_t *in,
			     size_t n, uint8_t *out)
{
	size_t i, at, masked = 0;

	memcpy(out, in, n);
	for (i = 0; i < count; i++)
		for (at = 0; at + secrets[i].n <= n; at++)
			if (memcmp(in + at, secrets[i].p, secrets[i].n) == 0) {
				memset(out + at, '*', secrets[i].n);
				masked += secrets[i].n;
			}
	return masked;
}

/* How many of the n bytes must be out after the n-th: all but the last ones, as long as they
   are such as a secret has, and fewer than the longest. */
static size_t reference_decided(const struct secret_text *secrets, size_t count, const uint8_t *in,
				size_t n)
{
	size_t i, most = 0, held = 0;

	for (i = 0; i < count; i++)
		if (secrets[i].n - 1 > most)
			most = secrets[i].n - 1;
	while (held < n && held < most && in[n - held - 1] > 0x20 && in[n - held - 1] < 0x7f &&
	       in[n - held - 1] != '*')
		held++;
	return n - held;
}

#endif
