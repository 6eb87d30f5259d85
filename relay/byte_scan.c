/*
 * relay/byte_scan.c - eight bytes in one word.
 *
 * A byte of x that is below n (at most 0x80) sets its highest bit in bytes_below(x, n); a
 * byte above such a one may do so, too.  So a word without such a bit has none, and one
 * with it is looked at byte by byte.
 */
#include "relay/byte_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define EACH (UINT64_MAX / 0xff) /* 0x01 in each byte */

static uint64_t bytes_below(uint64_t x, uint8_t n)
{
	return (x - EACH * n) & ~x & EACH * 0x80;
}

static uint64_t bytes_equal(uint64_t x, uint8_t c)
{
	return bytes_below(x ^ EACH * c, 1);
}

static uint64_t word_at(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

const uint8_t *byte_scan_string(const uint8_t *p, const uint8_t *end)
{
	uint64_t x;

	for (; (size_t)(end - p) >= sizeof(x); p += sizeof(x)) {
		x = word_at(p);
		if (bytes_below(x, 0x20) | bytes_equal(x, '"') | bytes_equal(x, '\\'))
			break;
	}
	while (p < end && *p != '"' && *p != '\\' && *p >= 0x20)
		p++;
	return p;
}

static bool is_line_end(uint8_t c)
{
	return c == '\n' || c == '\r';
}

const uint8_t *byte_scan_line(const uint8_t *p, const uint8_t *end)
{
	uint64_t x;

	for (; (size_t)(end - p) >= sizeof(x); p += sizeof(x)) {
		x = word_at(p);
		if (bytes_equal(x, '\n') | bytes_equal(x, '\r'))
			break;
	}
	while (p < end && !is_line_end(*p))
		p++;
	return p;
}
