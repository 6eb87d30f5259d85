/*
 * wire/claim.h - the fixed-layout messages, which the preloaded library sends
 * and reads without msgpack.  docs/PROTOCOL.md, "Fixed messages".
 *
 * Header, 12 bytes: "CCR1", type, three zero bytes, body length (u32).  All
 * numbers little-endian.  The first byte is that of no msgpack map, so both kinds
 * can come over one connection.  The library includes no other header of wire/.
 */
#ifndef WIRE_CLAIM_H
#define WIRE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CLAIM_MAGIC "CCR1"
#define CLAIM_HEAD 12
#define CLAIM_ITEM_HEAD 6
#define CLAIM_NAME_MAX 64     /* wire/limits.h's VARIABLE_MAX_LEN; broker/claim.c asserts it */
#define CLAIM_VALUE_MAX 16384 /* and TOKEN_MAX */

/*
 * The variable of secrets that are headers of requests: a line "NAME: VALUE" or "NAME: SCHEME
 * VALUE" for each; then, where others go with them that are no secret, an empty line and
 * theirs.
 */
#define CLAIM_HEADERS "ANTHROPIC_CUSTOM_HEADERS"

enum claim_type {
	CLAIM_ARRIVED = 1,   /* empty body: the library runs; answered on the connection */
	CLAIM_CLAIM = 2,     /* empty body, with one end of a socket pair: answered there */
	CLAIM_AGAIN = 3,     /* empty body: the session's process is about to exec */
	CLAIM_OK = 0x81,     /* body: u16 count, then count x item */
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
static inline void claim_put_head(uint8_t out[CLAIM_HEAD], enum claim_type type, uint32_t body)
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

/* A part of a packet: borrowed, not NUL-terminated. */
struct claim_text {
	const char *p;
	size_t n;
};

struct claim_item {
	struct claim_text name;	 /* an environment variable's */
	struct claim_text value; /* not empty, no NULs */
};

/* wire_variable_ok (wire/names.h) for n bytes at s. */
static inline bool claim_name_ok(const char *s, size_t n)
{
	if (n == 0 || n > CLAIM_NAME_MAX || (*s >= '0' && *s <= '9'))
		return false;
	for (; n > 0; n--, s++)
		if (!(*s == '_' || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
		      (*s >= '0' && *s <= '9')))
			return false;
	return true;
}

/* Parse the item at p, of n bytes at most.  Its length, or 0 when it is malformed. */
static inline size_t claim_get_item(const uint8_t *p, size_t n, struct claim_item *out)
{
	if (n < CLAIM_ITEM_HEAD)
		return 0;
	out->name = (struct claim_text){ (const char *)p + CLAIM_ITEM_HEAD, claim_get16(p) };
	out->value.n = claim_get32(p + 2);
	n -= CLAIM_ITEM_HEAD;
	if (out->name.n > n || out->value.n > n - out->name.n)
		return 0;
	out->value.p = out->name.p + out->name.n;
	if (!claim_name_ok(out->name.p, out->name.n) || out->value.n == 0 ||
	    out->value.n > CLAIM_VALUE_MAX || memchr(out->value.p, '\0', out->value.n))
		return 0;
	return CLAIM_ITEM_HEAD + out->name.n + out->value.n;
}

/*
 * Parse a CLAIM_OK packet of n bytes into out[max].  Returns the number of items
 * (0 in the answer to `arrived` and `again`), or -1 when it is no such packet, an item
 * is malformed, there are more than max, a name comes twice or bytes follow.
 */
static inline int claim_get_items(const uint8_t *packet, size_t n, struct claim_item *out,
				  unsigned max)
{
	size_t at = CLAIM_HEAD + 2, used;
	unsigned i, k, count;

	if (claim_type(packet, n) != CLAIM_OK || n < at)
		return -1;
	count = claim_get16(packet + CLAIM_HEAD);
	if (count > max)
		return -1;
	for (i = 0; i < count; i++) {
		used = claim_get_item(packet + at, n - at, &out[i]);
		if (used == 0)
			return -1;
		for (k = 0; k < i; k++)
			if (out[k].name.n == out[i].name.n &&
			    memcmp(out[k].name.p, out[i].name.p, out[i].name.n) == 0)
				return -1;
		at += used;
	}
	return at == n ? (int)count : -1;
}

/* Both texts of a CLAIM_REFUSED packet of n bytes.  0, or -1 when it is no such packet. */
static inline int claim_get_refusal(const uint8_t *packet, size_t n, struct claim_text *what,
				    struct claim_text *hint)
{
	struct claim_text *const text[] = { what, hint };
	size_t at = CLAIM_HEAD;
	int i;

	if (claim_type(packet, n) != CLAIM_REFUSED)
		return -1;
	for (i = 0; i < 2; i++) {
		if (n - at < 2)
			return -1;
		text[i]->n = claim_get16(packet + at);
		text[i]->p = (const char *)packet + at + 2;
		at += 2;
		if (text[i]->n > n - at)
			return -1;
		at += text[i]->n;
	}
	return at == n ? 0 : -1;
}

#endif
