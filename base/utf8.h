/*
 * base/utf8.h - strict UTF-8 (RFC 3629): no overlong form, no surrogate, nothing
 * above U+10FFFF.  For the width of characters see display/text.h.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decode the character at the beginning of the n bytes at s into *out.  Returns its
 * length in bytes (1 to 4); or 0, and *out is unchanged, when it is not UTF-8 or not
 * complete, or n is 0.
 */
unsigned utf8_decode(const char *s, size_t n, uint32_t *out);

/* Are all n bytes UTF-8?  A NUL is a character like any other. */
bool utf8_valid(const char *p, size_t n);

/*
 * The length (1 or 2 bytes) of a control character at the beginning of the n bytes
 * at p: C0, DEL, or C1 in UTF-8, all of which terminals act on.  0: none.  Inline,
 * because it is called for every byte of a configuration file.
 */
static inline unsigned utf8_control(const char *p, size_t n)
{
	unsigned char c = n ? (unsigned char)p[0] : ' ';

	if (c < ' ' || c == 0x7f)
		return 1;
	return c == 0xc2 && n > 1 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] <= 0x9f ? 2
												: 0;
}

/*
 * Would the character, in a text that somebody else made, change how a line is read?
 * Controls, line and paragraph separators, marks that reverse the direction, and those
 * that are invisible.
 */
bool utf8_misleads(uint32_t c);

/* Is c a continuation byte (10xxxxxx)? */
bool utf8_is_continuation(char c);

/* The number of characters in n bytes of UTF-8. */
size_t utf8_count(const char *p, size_t n);

#endif
