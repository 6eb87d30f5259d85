/*
 * relay/http_text.c - the words of HTTP/1.1 heads: views, tokens, names, lists.
 *
 * No function of <ctype.h>: those depend on the locale.
 */
#include "relay/http_text.h"

#include <string.h>

struct http_view http_view_of(const char *text)
{
	return (struct http_view){ text, strlen(text) };
}

bool http_view_is(struct http_view v, const char *text)
{
	return v.n == strlen(text) && memcmp(v.p, text, v.n) == 0;
}

static bool char_is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Alphanumeric, or one of `others`? */
static bool view_has_only(struct http_view v, const char *others)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if (!char_is_alphanumeric(v.p[i]) && (!v.p[i] || !strchr(others, v.p[i])))
			return false;
	return v.n > 0;
}

bool http_is_token(struct http_view v)
{
	return view_has_only(v, "!#$%&'*+-.^_`|~");
}

bool http_is_field_name(struct http_view v)
{
	return view_has_only(v, "-_");
}

bool http_is_unreserved(char c)
{
	return char_is_alphanumeric(c) || (c && strchr("-._~", c));
}

bool http_is_printable(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f;
}

bool http_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

bool http_is_host(struct http_view v)
{
	return view_has_only(v, "-._:[]");
}

static char letter_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char name_fold(char c)
{
	return c == '_' ? '-' : letter_fold(c);
}

bool http_words_equal(struct http_view a, struct http_view b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (letter_fold(a.p[i]) != letter_fold(b.p[i]))
			return false;
	return true;
}

bool http_word_is(struct http_view word, const char *text)
{
	return http_words_equal(word, http_view_of(text));
}

bool http_names_equal(struct http_view a, struct http_view b)
{
	size_t i;

	if (a.n != b.n)
		return false;
	for (i = 0; i < a.n; i++)
		if (name_fold(a.p[i]) != name_fold(b.p[i]))
			return false;
	return true;
}

bool http_name_is(struct http_view name, const char *text)
{
	return http_names_equal(name, http_view_of(text));
}

static bool char_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool http_list_next(struct http_view *rest, struct http_view *item)
{
	const char *comma;

	if (!rest->p)
		return false;
	*item = *rest;
	comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
	if (comma) {
		item->n = (size_t)(comma - rest->p);
		rest->p = comma + 1;
		rest->n -= item->n + 1;
	} else {
		rest->p = NULL;
		rest->n = 0;
	}
	for (; item->n && char_is_blank(item->p[0]); item->n--)
		item->p++;
	while (item->n && char_is_blank(item->p[item->n - 1]))
		item->n--;
	return true;
}
