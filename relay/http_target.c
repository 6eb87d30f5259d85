/*
 * relay/http_target.c - a request's target, accepted only where every server
 * understands the same path by it.
 *
 * The relay compares the path with a list.  A server that decodes, joins slashes,
 * resolves dots or cuts parameters off would otherwise serve another path than the
 * one that was compared.
 */
#include "relay/http_target.h"

#include <string.h>

#include "base/number.h"

/* RFC 3986, 2.2. */
#define SUB_DELIMS "!$&'()*+,;="
/* What splits a path, or ends it, in a server that decodes first; but for the slash. */
#define DECODED_SPLITS "\\%?#;"

/* The byte that "%41" stands for, or -1. */
static int percent_decode(const char *p, size_t left)
{
	int high, low;

	if (left < 3)
		return -1;
	high = number_hex_digit(p[1]);
	low = number_hex_digit(p[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static const char *check_escape(int byte, bool is_path)
{
	if (!http_is_printable((char)byte))
		return "percent-encoding of a byte that is no printable ASCII";
	if (!is_path)
		return NULL;
	if (http_is_unreserved((char)byte))
		return "percent-encoding of a character that needs none";
	if (strchr(DECODED_SPLITS, byte))
		return "percent-encoding of a character that splits paths";
	return NULL;
}

/* Every character of path or query; `more` are those beyond RFC 3986's pchar. */
static const char *check_characters(struct http_view v, const char *more, bool is_path)
{
	const char *why;
	size_t i;
	int byte;

	for (i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (c == '%') {
			byte = percent_decode(v.p + i, v.n - i);
			if (byte < 0)
				return "a % without two hexadecimal digits";
			why = check_escape(byte, is_path);
			if (why)
				return why;
			i += 2;
			continue;
		}
		if (c == '#')
			return "a fragment";
		if (c == ';' && is_path)
			return "a parameter in the path";
		if (!http_is_unreserved(c) &&
		    (!c || !(strchr(SUB_DELIMS ":@", c) || strchr(more, c))))
			return "a character that a target cannot have";
	}
	return NULL;
}

/* The length of the slash at p, of which `left` bytes are there: 1, 3 for `%2F`, or 0. */
static size_t slash_length(const char *p, size_t left)
{
	if (*p == '/')
		return 1;
	return *p == '%' && percent_decode(p, left) == '/' ? 3 : 0;
}

/* A server that decodes first must find no segment that it would drop, either. */
static const char *check_segments(struct http_view path)
{
	size_t at = 1, from = 1, n, slash;

	for (; at <= path.n; at += slash ? slash : 1) {
		slash = at < path.n ? slash_length(path.p + at, path.n - at) : 0;
		if (!slash && at < path.n)
			continue;
		n = at - from;
		if (n == 0 && slash)
			return "an empty segment";
		if ((n == 1 && path.p[from] == '.') ||
		    (n == 2 && path.p[from] == '.' && path.p[from + 1] == '.'))
			return "a segment of dots";
		if (n == 0 && path.p[from - 1] != '/')
			return "an empty segment";
		from = at + slash;
	}
	return NULL;
}

const char *http_target_split(struct http_view target, struct http_view *path,
			      struct http_view *query)
{
	const char *mark, *why;

	if (target.n == 0 || target.p[0] != '/')
		return "a target that is no path";
	mark = memchr(target.p, '?', target.n);
	*path = target;
	*query = (struct http_view){ NULL, 0 };
	if (mark) {
		path->n = (size_t)(mark - target.p);
		query->p = mark + 1;
		query->n = target.n - path->n - 1;
	}
	why = check_characters(*path, "/", true);
	if (!why)
		why = check_segments(*path);
	if (!why && query->p)
		why = check_characters(*query, "/?", false);
	return why;
}
