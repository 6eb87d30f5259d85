/*
 * wire/check.c - is a packet one well-formed msgpack map within the protocol's bounds?
 *
 * msgpack-c reserves memory from declared lengths before it looks at the data
 * (a 5-byte packet made it reserve gigabytes), so every declared length is
 * compared with what is left of the packet first.  The format:
 * github.com/msgpack/msgpack/blob/master/spec.md
 */
#include "wire/check.h"

#include <string.h>

#include "base/fail.h"
#include "wire/limits.h"

struct packet_cursor {
	const uint8_t *p;
	size_t left;
};

static int fail_malformed(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_MALFORMED, NULL, "malformed packet: %s", why);
}

static bool cursor_skip(struct packet_cursor *c, size_t n)
{
	if (n > c->left)
		return false;
	c->p += n;
	c->left -= n;
	return true;
}

/* A big-endian number of n bytes. */
static bool read_number(struct packet_cursor *c, unsigned n, uint64_t *out)
{
	unsigned i;

	if (n > c->left)
		return false;
	*out = 0;
	for (i = 0; i < n; i++)
		*out = *out << 8 | c->p[i];
	return cursor_skip(c, n);
}

/* What the first byte of a value announces: a container of `items`, or `bytes` of
 * payload. */
struct head {
	bool map, array, str;
	uint64_t items, bytes;
};

static bool read_head(struct packet_cursor *c, struct head *h)
{
	static const uint8_t scalar[] = { /* 0xca .. 0xd3 */ 4,
					  8,
					  1,
					  2,
					  4,
					  8,
					  1,
					  2,
					  4,
					  8 };
	uint8_t b;

	memset(h, 0, sizeof(*h));
	if (c->left == 0)
		return false;
	b = *c->p;
	cursor_skip(c, 1);
	if (b <= 0x7f || b >= 0xe0 || b == 0xc0 || b == 0xc2 || b == 0xc3)
		return true;
	if (b <= 0x8f) {
		h->map = true;
		h->items = b & 0x0f;
		return true;
	}
	if (b <= 0x9f) {
		h->array = true;
		h->items = b & 0x0f;
		return true;
	}
	if (b <= 0xbf) {
		h->str = true;
		h->bytes = b & 0x1f;
		return true;
	}
	if (b >= 0xc4 && b <= 0xc6)
		return read_number(c, 1u << (b - 0xc4), &h->bytes);
	if (b >= 0xca && b <= 0xd3) {
		h->bytes = scalar[b - 0xca];
		return true;
	}
	h->str = b >= 0xd9 && b <= 0xdb;
	if (h->str)
		return read_number(c, 1u << (b - 0xd9), &h->bytes);
	h->array = b == 0xdc || b == 0xdd;
	h->map = b == 0xde || b == 0xdf;
	if (h->array || h->map)
		return read_number(c, b & 1 ? 4 : 2, &h->items);
	return false; /* 0xc1 and the extension types: the protocol has none */
}

static int check_value(struct packet_cursor *c, int depth, struct failure *f);

/* Is the key of n bytes at key also one of the `count` keys in seen? */
static bool seen_before(const struct packet_cursor *seen, size_t count, const uint8_t *key,
			size_t n)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (seen[i].left == n && memcmp(seen[i].p, key, n) == 0)
			return true;
	return false;
}

static int check_map(struct packet_cursor *c, uint64_t pairs, int depth, struct failure *f)
{
	struct packet_cursor keys[WIRE_KEYS_MAX];
	struct head h;
	uint64_t i;

	if (pairs > WIRE_KEYS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "packet: a map of more than %d keys",
				WIRE_KEYS_MAX);
	for (i = 0; i < pairs; i++) {
		if (!read_head(c, &h))
			return fail_malformed(f, "it ends inside a map");
		if (!h.str)
			return fail_set(f, FAIL_WRONG_TYPE, NULL,
					"packet: a key that is no string");
		keys[i].p = c->p;
		keys[i].left = (size_t)h.bytes;
		if (!cursor_skip(c, (size_t)h.bytes))
			return fail_malformed(f, "it ends inside a key");
		if (seen_before(keys, (size_t)i, keys[i].p, keys[i].left))
			return fail_set(f, FAIL_DUPLICATE_KEY, NULL, "packet: a key twice");
		if (check_value(c, depth + 1, f) != 0)
			return -1;
	}
	return 0;
}

static int check_value(struct packet_cursor *c, int depth, struct failure *f)
{
	struct head h;
	uint64_t i;

	if (!read_head(c, &h))
		return fail_malformed(f, c->left ? "a type that the protocol does not use"
						 : "it is cut short");
	if ((h.map || h.array) && depth >= WIRE_DEPTH_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "packet: nested deeper than %d",
				WIRE_DEPTH_MAX);
	if (h.map)
		return check_map(c, h.items, depth, f);
	if (h.array) {
		/* Every item takes a byte at least. */
		if (h.items > c->left)
			return fail_malformed(f, "an array longer than the packet");
		for (i = 0; i < h.items; i++)
			if (check_value(c, depth + 1, f) != 0)
				return -1;
		return 0;
	}
	if (h.bytes > c->left)
		return fail_malformed(f, "a value longer than the packet");
	cursor_skip(c, (size_t)h.bytes);
	return 0;
}

int wire_check(const void *packet, size_t n, struct failure *f)
{
	struct packet_cursor c = { packet, n };
	const uint8_t *p = packet;

	if (n > WIRE_PACKET_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "packet of more than %d bytes",
				WIRE_PACKET_MAX);
	if (n == 0)
		return fail_malformed(f, "it is empty");
	if ((p[0] & 0xf0) != 0x80 && p[0] != 0xde && p[0] != 0xdf)
		return fail_malformed(f, "it is no map");
	if (check_value(&c, 0, f) != 0)
		return -1;
	if (c.left)
		return fail_set(f, FAIL_TRAILING_BYTES, NULL, "packet: %zu bytes after the map",
				c.left);
	return 0;
}
