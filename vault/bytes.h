/*
 * vault/bytes.h - writing and reading little-endian numbers and byte strings,
 * and what bytes a text in the vault may have.
 */
#ifndef VAULT_BYTES_H
#define VAULT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes_put functions write at p, where there is room, and return the end. */

/* The lower n bytes of value, least significant first. */
uint8_t *bytes_put_le(uint8_t *p, uint64_t value, unsigned n);
uint8_t *bytes_put(uint8_t *p, const void *from, size_t n);

/* A tagged field: u16 tag, u32 length, then n bytes, or a 64-bit number. */
uint8_t *bytes_put_field(uint8_t *p, unsigned tag, const void *from, size_t n);
uint8_t *bytes_put_number_field(uint8_t *p, unsigned tag, uint64_t value);

/* A bounded reader.  After one read past the end it is bad and yields zeros. */
struct byte_reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

/* The next n bytes, or NULL (and the reader is bad) when there are fewer. */
const uint8_t *byte_reader_take(struct byte_reader *c, size_t n);

/* A number of n bytes, least significant first. */
uint64_t byte_reader_take_le(struct byte_reader *c, unsigned n);

/* Copy n bytes to out, which stays as it is when there are fewer. */
void byte_reader_copy(struct byte_reader *c, void *out, size_t n);

/* Are all n bytes printable ASCII, space included? */
bool bytes_are_printable_ascii(const void *p, size_t n);

/* Are all n bytes free of ASCII control characters?  Bytes above 0x7f are allowed:
 * other programs' names are UTF-8. */
bool bytes_have_no_control(const void *p, size_t n);

/* The length of n bytes of text without the ends of lines behind it. */
size_t bytes_line_length(const char *text, size_t n);

#endif
