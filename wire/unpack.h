/*
 * wire/unpack.h - read one message: a msgpack map in one packet.
 *
 * Nothing is copied: strings and bins point into the packet, so a secret stays in
 * the locked memory that the packet was received into.
 */
#ifndef WIRE_UNPACK_H
#define WIRE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

struct wire_map {
	const void *map;
}; /* borrowed: a map inside a message */

struct wire_in {
	struct wire_map top;
	void *zone; /* msgpack's own memory: pointers into the packet, no contents */
};

/*
 * Check (wire/check.h) and unpack a packet of n bytes, which must outlive `in`.
 * Returns 0, or -1 with FAIL_MALFORMED, FAIL_DUPLICATE_KEY, FAIL_TRAILING_BYTES,
 * FAIL_TOO_LARGE, FAIL_WRONG_TYPE (no v) or FAIL_NEWER (another v); in is then empty.
 */
int wire_parse(struct wire_in *in, const void *packet, size_t n, struct failure *f);
void wire_in_free(struct wire_in *in); /* safe on an empty one */

bool wire_has(struct wire_map m, const char *key);

/*
 * One field each; 0, or -1 with FAIL_WRONG_TYPE: it is absent or of another type.
 * wire_get_text copies a string into out (size bytes, NUL included); FAIL_TOO_LARGE:
 * it does not fit; FAIL_BAD_VALUE: it has a control character or a NUL.
 */
int wire_get_text(struct wire_map m, const char *key, char *out, size_t size, struct failure *f);
int wire_get_uint(struct wire_map m, const char *key, uint64_t *out, struct failure *f);
int wire_get_bool(struct wire_map m, const char *key, bool *out, struct failure *f);
int wire_get_bin(struct wire_map m, const char *key, const uint8_t **p, size_t *n,
		 struct failure *f);
int wire_get_array(struct wire_map m, const char *key, unsigned *count, struct failure *f);
/* Map number i (from 0) of that array. */
int wire_get_item(struct wire_map m, const char *key, unsigned i, struct wire_map *out,
		  struct failure *f);

#endif
