/*
 * base/utf8.c - strict UTF-8 (RFC 3629).
 */
#include "base/utf8.h"

unsigned utf8_decode(const char *s, size_t n, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)s;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* by length */
	unsigned len, i;
	uint32_t c;

	if (n == 0)
		return 0;
	if (p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	c = p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if (!utf8_is_continuation(s[i]))
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return len;
}

bool utf8_valid(const char *p, size_t n)
{
	unsigned len;
	uint32_t c;

	for (; n; p += len, n -= len) {
		len = utf8_decode(p, n, &c);
		if (!len)
			return false;
	}
	return true;
}

bool utf8_misleads(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0, 0x1f },	     /* C0 */
		{ 0x7f, 0x9f },	     /* DEL, C1 */
		{ 0xad, 0xad },	     /* soft hyphen */
		{ 0x61c, 0x61c },    /* Arabic letter mark */
		{ 0x180e, 0x180e },  /* Mongolian vowel separator */
		{ 0x200b, 0x200f },  /* of no width, joiners, left-to-right and right-to-left */
		{ 0x2028, 0x202e },  /* separators, embeddings and overrides */
		{ 0x2060, 0x206f },  /* word joiner, invisible operators, isolates */
		{ 0xfeff, 0xfeff },  /* byte order mark */
		{ 0xfff9, 0xfffb },  /* interlinear annotation */
		{ 0xe0000, 0xe0fff } /* tags */
	};
	unsigned i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

bool utf8_is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_count(const char *p, size_t n)
{
	size_t count = 0;

	for (; n; p++, n--)
		count += !utf8_is_continuation(*p);
	return count;
}
