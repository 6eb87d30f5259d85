/*
 * display/text.c - UTF-8 read strictly, and what of it may be shown.
 */
#include "display/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

#define COMBINING_MAX 2 /* on one character; more of them grow over the lines around */

static const char ellipsis[] = "\xe2\x80\xa6";

static bool within(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

/* Not shown: what drives a terminal, turns the direction round, or hides. */
static bool refused(uint32_t c)
{
	if (c < 0x20 || within(c, 0x7f, 0x9f) || c == 0xad || c == 0x34f || c == 0x61c)
		return true;
	if (c == 0x115f || c == 0x1160 || within(c, 0x17b4, 0x17b5) || within(c, 0x180b, 0x180e))
		return true;
	if (within(c, 0x200b, 0x200f) || within(c, 0x2028, 0x202e) || within(c, 0x2060, 0x206f))
		return true;
	if (c == 0x2800 || c == 0x3164 || c == 0xfeff || c == 0xffa0 || within(c, 0xfff0, 0xfffb))
		return true;
	if (within(c, 0x600, 0x605) || c == 0x6dd || c == 0x70f || within(c, 0x890, 0x891) || c == 0x8e2)
		return true;
	if (c == 0x110bd || c == 0x110cd || within(c, 0x13430, 0x1345f) || within(c, 0x1bca0, 0x1bca3) ||
	    within(c, 0x1d173, 0x1d17a))
		return true;
	return within(c, 0xe0000, 0xe0fff) || (c & 0xfffe) == 0xfffe || within(c, 0xfdd0, 0xfdef);
}

/* They choose a form of the character before; what that does to widths, terminals disagree on. */
static bool selector(uint32_t c)
{
	return within(c, 0xfe00, 0xfe0f) || within(c, 0xe0100, 0xe01ef);
}

/* Blanks of every kind and width are one. */
static bool blank(uint32_t c)
{
	return c == ' ' || c == 0xa0 || c == 0x1680 || within(c, 0x2000, 0x200a) || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

size_t display_clean(const char *in, size_t n, char *out, size_t size)
{
	size_t i = 0, used = 0;
	unsigned len, marks = COMBINING_MAX; /* none may come first */
	uint32_t c;

	while (i < n) {
		len = utf8_decode(in + i, n - i, &c);
		if (len && selector(c)) {
			i += len;
			continue;
		}
		if (!len || refused(c) || blank(c)) {
			if (used + 2 > size)
				break;
			/* what is seen must not begin with a blank */
			if (!len || !blank(c) || used)
				out[used++] = len && blank(c) ? ' ' : '?';
			i += len ? len : 1;
			marks = 0;
			continue;
		}
		marks = width_of(c) ? 0 : marks + 1;
		if (marks <= COMBINING_MAX) {
			if (used + len + 1 > size)
				break;
			memcpy(out + used, in + i, len);
			used += len;
		}
		i += len;
	}
	while (used && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	return used;
}

unsigned display_width(const char *clean)
{
	size_t n = strlen(clean);
	unsigned len, width = 0;
	uint32_t c;

	for (; n; clean += len, n -= len) {
		len = utf8_decode(clean, n, &c);
		if (!len) {
			len = 1;
			c = '?';
		}
		width += width_of(c);
	}
	return width;
}

void display_cut(char *clean, unsigned columns)
{
	size_t n = strlen(clean), i, keep = 0;
	unsigned len, width = 0;
	uint32_t c;

	if (display_width(clean) <= columns)
		return;
	for (i = 0; i < n; i += len) {
		len = utf8_decode(clean + i, n - i, &c);
		if (!len) {
			len = 1;
			c = '?';
		}
		width += width_of(c);
		if (width + 1 > columns)
			break;
		keep = i + len;
	}
	memcpy(clean + keep, ellipsis, sizeof(ellipsis));
}
