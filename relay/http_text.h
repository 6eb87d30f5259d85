/*
 * relay/http_text.h - the words of HTTP/1.1 heads: views, tokens, names, lists.
 */
#ifndef RELAY_HTTP_TEXT_H
#define RELAY_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* n bytes in a buffer of somebody else's; no NUL behind them. */
struct http_view {
	const char *p;
	size_t n;
};

/* The view of a NUL-terminated text. */
struct http_view http_view_of(const char *text);

/* The same bytes? */
bool http_view_is(struct http_view v, const char *text);

/* A token (RFC 9110, 5.6.2): what a method or a field's name is made of; not empty. */
bool http_is_token(struct http_view v);

/*
 * A field's name of ASCII letters, digits, `-` and `_` alone; not empty.  The other
 * characters of a token become `_` in servers that hand fields on as environment
 * variables, and so the name of another field.
 */
bool http_is_field_name(struct http_view v);

/* A character that means itself everywhere in a URL (RFC 3986, 2.3). */
bool http_is_unreserved(char c);

/* Printable ASCII, the blank included: 0x20 to 0x7e. */
bool http_is_printable(char c);

/* A control character of ASCII: below 0x20, or 0x7f. */
bool http_is_control(char c);

/* Host and perhaps port as in Host or in a URL; not empty, and no user before it. */
bool http_is_host(struct http_view v);

/* The same word, in capitals of ASCII or not? */
bool http_words_equal(struct http_view a, struct http_view b);

/* The same, with a NUL-terminated text. */
bool http_word_is(struct http_view word, const char *text);

/*
 * Are these the same name of a field, in capitals or not?  `_` counts as `-`: servers
 * that hand fields on as environment variables cannot tell them apart.
 */
bool http_names_equal(struct http_view a, struct http_view b);

/* The same, with a NUL-terminated text. */
bool http_name_is(struct http_view name, const char *text);

/*
 * Take the next item off a list with commas; blanks around it do not belong to it.
 * The item may be empty.  Returns false, and no item, when *rest has ended, which an
 * empty list does after one empty item.
 */
bool http_list_next(struct http_view *rest, struct http_view *item);

#endif
