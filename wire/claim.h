/*
 * wire/claim.h - the fixed-layout messages, which the preloaded library sends
 * and reads without msgpack.  docs/PROTOCOL.md, "Fixed messages".
 *
 * Header, 12 bytes: "CCR1", type, three zero bytes, body length (u32).  All
 * numbers little-endian.  The first byte is no msgpack map, so both kinds
 * share a connection.
 */
#ifndef WIRE_CLAIM_H
#define WIRE_CLAIM_H

#include <stdint.h>
#include <string.h>

#define CLAIM_MAGIC "CCR1"
#define CLAIM_HEAD 12

enum claim_type {
	CLAIM_ARRIVED = 1, /* empty body: "I run, look at me"; answered on the connection */
	CLAIM_CLAIM = 2,   /* empty body, one socket end beside it: answered there */
	CLAIM_AGAIN = 3,   /* empty body: the session's own pid is about to exec */
	CLAIM_OK = 0x81,   /* body: u16 count, then count x item */
	CLAIM_REFUSED = 0x82 /* body: u16 n, n bytes text, u16 m, m bytes hint */
};
/* item: u16 name length, u32 value length, name, value (no NULs).  CLAIM_OK
 * for `arrived` and `again` has count 0. */

static inline void claim_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v & 0xff);
	p[1] = (uint8_t)(v >> 8);
}

static inline void claim_put32(uint8_t *p, uint32_t v)
{
	claim_put16(p, (uint16_t)(v & 0xffff));
	claim_put16(p + 2, (uint16_t)(v >> 16));
}

static inline uint16_t claim_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t claim_get32(const uint8_t *p)
{
	return (uint32_t)claim_get16(p) | (uint32_t)claim_get16(p + 2) << 16;
}

/* Write a header. */
static inline void claim_head(uint8_t out[CLAIM_HEAD], enum claim_type type,
			      uint32_t body)
{
	memcpy(out, CLAIM_MAGIC, 4);
	out[4] = (uint8_t)type;
	out[5] = out[6] = out[7] = 0;
	claim_put32(out + 8, body);
}

/* The type of a packet of n bytes, or -1 when it is no well-formed one. */
static inline int claim_type(const uint8_t *p, size_t n)
{
	if (n < CLAIM_HEAD || memcmp(p, CLAIM_MAGIC, 4) != 0)
		return -1;
	if (p[5] || p[6] || p[7] || claim_get32(p + 8) != n - CLAIM_HEAD)
		return -1;
	return p[4];
}

#endif
