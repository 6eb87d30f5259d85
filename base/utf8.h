/*
 * base/utf8.h - UTF-8, read strictly (RFC 3629): no overlong form, no surrogate,
 * nothing above U+10FFFF.  How wide a character is: display/text.h.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The code point that begins at p, of n bytes, into *out.  Returns how many bytes
 * it has (1 to 4), or 0 with *out untouched when that is not UTF-8, is cut off, or
 * n is 0.
 */
unsigned utf8_decode(const char *p, size_t n, uint32_t *out);

/* Are all n bytes UTF-8?  A NUL is a character like any other. */
bool utf8_valid(const char *p, size_t n);

/*
 * Does a control character begin at p, of n bytes: C0, DEL, or C1 as two bytes?
 * Terminals obey all of these.  Returns how many bytes it has (1 or 2), else 0.
 * Inline: ccrun asks it of every byte of its configuration.
 */
static inline unsigned utf8_control(const char *p, size_t n)
{
	unsigned char c = n ? (unsigned char)p[0] : ' ';

	if (c < ' ' || c == 0x7f)
		return 1;
	return c == 0xc2 && n > 1 && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] <= 0x9f ? 2 : 0;
}

/* Is c a byte that continues a character? */
bool utf8_is_continuation(char c);

/* Characters in n bytes of UTF-8; bytes that continue a character do not count. */
size_t utf8_count(const char *p, size_t n);

#endif
