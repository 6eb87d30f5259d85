/*
 * display/text.c - which characters are shown, and their width in columns.
 *
 * wcwidth(3) depends on the locale, which the client may have set to anything;
 * terminals that show UTF-8 do not.  So the properties of characters come from
 * utf8proc's tables.  They add 340 KiB to ccrun-statusline and no measurable time to
 * its start, since only pages that are used are read.  (uc_width of libunistring
 * adds 8 KiB, but its licence has conditions for a static program.)
 */
#include "display/text.h"

#include <stdbool.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

#define COMBINING_MAX 2 /* on one character; more would cover the lines above and below */

static const char ellipsis[] = "\xe2\x80\xa6";

static bool within(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

/*
 * Characters that are invisible or control layout, though their category is letter,
 * mark or unassigned: fillers, two Khmer vowels, Mongolian variation selectors, the
 * empty Braille pattern, Egyptian layout controls, the plane of tags.
 */
static bool is_invisible(uint32_t c)
{
	if (c == 0x34f || within(c, 0x115f, 0x1160) || within(c, 0x17b4, 0x17b5) ||
	    within(c, 0x180b, 0x180d))
		return true;
	if (c == 0x2065 || c == 0x2800 || c == 0x3164 || c == 0xffa0 || within(c, 0xfff0, 0xfff8))
		return true;
	if (within(c, 0x13440, 0x1345f) || within(c, 0xe0000, 0xe0fff))
		return true;
	/* noncharacters */
	return (c & 0xfffe) == 0xfffe || within(c, 0xfdd0, 0xfdef);
}

/* Not shown: controls, formatting (direction marks among it), line separators, invisible ones. */
static bool is_refused(uint32_t c)
{
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return is_invisible(c);
	}
}

/* They select a form of the character before; terminals disagree on its width then. */
static bool is_selector(uint32_t c)
{
	return within(c, 0xfe00, 0xfe0f) || within(c, 0xe0100, 0xe01ef);
}

/* Spaces of any width; each becomes ' '. */
static bool is_blank(uint32_t c)
{
	return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ZS;
}

/*
 * utf8proc's width, except where terminals differ: spacing marks (Mc) take one
 * column, Hangul medial vowels and final consonants none, since they join the
 * letter before, and what is shown as "?" one.
 */
static unsigned character_width(uint32_t c)
{
	utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);

	if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
	    within(c, 0x1160, 0x11ff) || within(c, 0xd7b0, 0xd7fb))
		return 0;
	return utf8proc_charwidth((utf8proc_int32_t)c) == 2 ? 2 : 1;
}

size_t display_clean(const char *in, size_t n, char *out, size_t size)
{
	size_t i = 0, used = 0;
	unsigned len, marks = COMBINING_MAX; /* so that a mark at the beginning is dropped */
	uint32_t c;

	while (i < n) {
		len = utf8_decode(in + i, n - i, &c);
		if (len && is_selector(c)) {
			i += len;
			continue;
		}
		if (!len || is_refused(c) || is_blank(c)) {
			if (used + 2 > size)
				break;
			/* no blank at the beginning */
			if (!len || !is_blank(c) || used)
				out[used++] = len && is_blank(c) ? ' ' : '?';
			i += len ? len : 1;
			marks = 0;
			continue;
		}
		marks = character_width(c) ? 0 : marks + 1;
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
		width += character_width(c);
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
		width += character_width(c);
		if (width + 1 > columns)
			break;
		keep = i + len;
	}
	memcpy(clean + keep, ellipsis, sizeof(ellipsis));
}
