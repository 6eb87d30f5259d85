/*
 * config/ini/ini_value.c - quotes around a value and a comment behind it.
 */
#include "config/ini/ini_value.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static bool char_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Does a comment begin at i?  At the value's beginning '#' may be a colour's, as in #ff8800. */
static bool comment_begins(const char *text, size_t i, size_t start, size_t n)
{
	if (text[i] == ';')
		return i == start || char_is_blank(text[i - 1]);
	if (text[i] != '#')
		return false;
	return i == start ? i + 1 < n && char_is_blank(text[i + 1]) : char_is_blank(text[i - 1]);
}

/* The whole value is in quotes: 1; it has none at its beginning, or goes on behind the second: 0;
 * there is no second: -1. */
static int value_unquote(const char *text, size_t n, struct ini_span *v)
{
	const char *close;
	size_t i;

	if (v->start == n || (text[v->start] != '"' && text[v->start] != '\''))
		return 0;
	close = memchr(text + v->start + 1, text[v->start], n - v->start - 1);
	if (!close)
		return -1;
	v->to = (size_t)(close - text) + 1;
	for (i = v->to; i < n && char_is_blank(text[i]); i++)
		;
	if (i < n && !(i > v->to && (text[i] == ';' || text[i] == '#')))
		return 0;
	v->start++;
	v->end = v->to - 1;
	return 1;
}

static bool value_begins(const char *text, const struct ini_span *v, const char *word)
{
	return v->end - v->start >= strlen(word) &&
	       memcmp(text + v->start, word, strlen(word)) == 0;
}

/* What a page or a document has put into the line, and nobody sees. */
static const char *value_check(const char *text, const struct ini_span *v, const char **hint)
{
	static const char *const curly[] = { "\u201c", "\u201d", "\u2018", "\u2019", "\u201e" };
	size_t i;
	uint32_t c = 0;
	unsigned len;

	*hint = "write \" or ', or no quotes";
	for (i = 0; i < sizeof(curly) / sizeof(curly[0]); i++)
		if (value_begins(text, v, curly[i]))
			return "a value in typographic quotes";
	*hint = "type the line again";
	for (i = v->start; i < v->end; i += len ? len : 1) {
		len = utf8_decode(text + i, v->end - i, &c);
		if (len && (c == 0x200b || c == 0x2060 || c == 0xfeff || c == 0xad))
			return "a value with a character that does not show";
		if (len && c == 0xa0 && (i == v->start || i + len == v->end))
			return "a value with a no-break space at its end or beginning";
	}
	return NULL;
}

const char *ini_value_find(const char *text, size_t n, struct ini_span *v, const char **hint)
{
	int quoted;

	*hint = NULL;
	for (v->start = 0; v->start < n && char_is_blank(text[v->start]); v->start++)
		;
	v->from = v->start;
	v->end = v->to = n;
	quoted = value_unquote(text, n, v);
	*hint = "a value is in two quotes of one kind, or in none";
	if (quoted < 0)
		return "a quote that does not end";
	if (quoted == 0) {
		for (v->end = v->start; v->end < n; v->end++)
			if (comment_begins(text, v->end, v->start, n))
				break;
		while (v->end > v->start && char_is_blank(text[v->end - 1]))
			v->end--;
		v->to = v->end;
	}
	return value_check(text, v, hint);
}

/* Would a line that has the text as it is be read as this very text? */
static bool value_is_plain(const char *value, size_t n)
{
	struct ini_span v;
	const char *hint;

	return !ini_value_find(value, n, &v, &hint) && v.start == 0 && v.end == n;
}

int ini_value_format(const char *value, char *out, size_t size)
{
	const char *quote = "", *hint;
	size_t n = strlen(value);
	struct ini_span v;
	int len;

	if (!value_is_plain(value, n)) {
		quote = strchr(value, '"') ? "'" : "\"";
		if (strchr(value, quote[0]))
			return -1;
	}
	len = snprintf(out, size, "%s%s%s", quote, value, quote);
	return len >= 0 && (size_t)len < size && !ini_value_find(out, (size_t)len, &v, &hint) ? 0
											      : -1;
}
