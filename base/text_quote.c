/*
 * base/text_quote.c - foreign words in a sentence.
 */
#include "base/text_quote.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* What stands for the character of len bytes at text: itself, or one of ours. */
static const char *quote_character(const char *text, uint32_t c, unsigned *len)
{
	if (*len && !utf8_misleads(c) && (c > 0x7f || !strchr("\"$`\\!", (int)c)))
		return text;
	*len = 1;
	return *text == '"' ? "'" : "?";
}

bool text_quote(const char *text, char *out, size_t size)
{
	size_t n = strlen(text), used = 0;
	unsigned step, len;
	const char *piece;
	uint32_t c = 0;

	out[used++] = '"';
	for (; n; text += step, n -= step) {
		len = utf8_decode(text, n, &c);
		step = len ? len : 1;
		if (c == ' ' && len && out[used - 1] == ' ')
			continue;
		piece = quote_character(text, c, &len);
		if (used + len + 2 > size)
			break;
		memcpy(out + used, piece, len);
		used += len;
	}
	out[used++] = '"';
	out[used] = '\0';
	return n == 0;
}
