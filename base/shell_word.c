/*
 * base/shell_word.c - quoting for a shell.
 */
#include "base/shell_word.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* In no shell more than itself; "=", "%" and "@" only behind another. */
static bool is_plain(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(first ? "/._-+,:" : "/._-+,:=%@", c));
}

static bool shows(const char *text, size_t n)
{
	uint32_t c;
	unsigned len;

	for (; n; text += len, n -= len) {
		len = utf8_decode(text, n, &c);
		if (!len || utf8_misleads(c))
			return false;
	}
	return true;
}

bool shell_word(const char *text, char *out, size_t size)
{
	size_t n = strlen(text), used = 0, i;
	char piece[5] = "";

	if (size)
		out[0] = '\0';
	if (!shows(text, n))
		return false;
	for (i = 0; i < n && is_plain(text[i], i == 0); i++)
		;
	if (n && i == n) {
		if (n >= size)
			return false;
		memcpy(out, text, n + 1);
		return true;
	}
	if (size < 3)
		return false;
	out[used++] = '\'';
	for (i = 0; i < n; i++) {
		/* fish has a meaning for a backslash in single quotes, others have none: so both stand
		 * outside of them. */
		if (text[i] == '\'' || text[i] == '\\')
			memcpy(piece, (char[]){ '\'', '\\', text[i], '\'', '\0' }, sizeof(piece));
		else
			memcpy(piece, (char[]){ text[i], '\0' }, 2);
		if (used + strlen(piece) + 2 > size) {
			out[0] = '\0';
			return false;
		}
		memcpy(out + used, piece, strlen(piece));
		used += strlen(piece);
	}
	out[used++] = '\'';
	out[used] = '\0';
	return true;
}
