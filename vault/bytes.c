/*
 * vault/bytes.c - little-endian numbers and byte strings.
 */
#include "vault/bytes.h"

#include <string.h>

uint8_t *bytes_put_le(uint8_t *p, uint64_t value, unsigned n)
{
	while (n-- > 0) {
		*p++ = (uint8_t)(value & 0xff);
		value >>= 8;
	}
	return p;
}

uint8_t *bytes_put(uint8_t *p, const void *from, size_t n)
{
	if (n)
		memcpy(p, from, n);
	return p + n;
}

uint8_t *bytes_put_field(uint8_t *p, unsigned tag, const void *from, size_t n)
{
	p = bytes_put_le(p, tag, 2);
	p = bytes_put_le(p, n, 4);
	return bytes_put(p, from, n);
}

uint8_t *bytes_put_number_field(uint8_t *p, unsigned tag, uint64_t value)
{
	p = bytes_put_le(p, tag, 2);
	p = bytes_put_le(p, 8, 4);
	return bytes_put_le(p, value, 8);
}

const uint8_t *byte_reader_take(struct byte_reader *c, size_t n)
{
	const uint8_t *at = c->p;

	if (c->bad || n > c->left) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	c->left -= n;
	return at;
}

uint64_t byte_reader_take_le(struct byte_reader *c, unsigned n)
{
	const uint8_t *p = byte_reader_take(c, n);
	uint64_t value = 0;

	while (p && n-- > 0)
		value = value << 8 | p[n];
	return value;
}

void byte_reader_copy(struct byte_reader *c, void *out, size_t n)
{
	const uint8_t *p = byte_reader_take(c, n);

	if (p)
		memcpy(out, p, n);
}

bool bytes_are_printable_ascii(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

bool bytes_have_no_control(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return true;
}

size_t bytes_line_length(const char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return n;
}
