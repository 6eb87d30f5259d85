/*
 * wire/endpoint.c - what an address may look like.
 */
#include "wire/endpoint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const no_scheme = "must begin with http:// or https://";

const char *endpoint_span(const char *url, size_t *start, size_t *end)
{
	if (strncmp(url, "http://", 7) == 0)
		*start = 7;
	else if (strncmp(url, "https://", 8) == 0)
		*start = 8;
	else
		return no_scheme;
	*end = *start + strcspn(url + *start, "/");
	return NULL;
}

static bool endpoint_host_char_ok(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

static const char *endpoint_parse_host(const char *p, size_t n, char *host)
{
	size_t i;

	if (n == 0 || n > 253)
		return "has no host, or too long a one";
	for (i = 0; i < n; i++)
		if (!endpoint_host_char_ok(p[i]) || (p[i] == '.' && i + 1 < n && p[i + 1] == '.'))
			return "has a host with characters that no host has";
	if (p[0] == '.' || p[0] == '-')
		return "has a host with characters that no host has";
	memcpy(host, p, n);
	host[n] = '\0';
	return NULL;
}

static const char *endpoint_parse_v6(const char *p, size_t n, char *host)
{
	size_t i;

	if (n < 2 || n > 45)
		return "has a malformed IPv6 address";
	for (i = 0; i < n; i++)
		if (!isxdigit((unsigned char)p[i]) && p[i] != ':' && p[i] != '.')
			return "has a malformed IPv6 address";
	memcpy(host, p, n);
	host[n] = '\0';
	return NULL;
}

static const char *endpoint_parse_port(const char *p, size_t n)
{
	size_t i;
	long port;

	if (n == 0 || n > 5)
		return "has an invalid port";
	for (i = 0; i < n; i++)
		if (!isdigit((unsigned char)p[i]))
			return "has an invalid port";
	port = strtol(p, NULL, 10);
	return port >= 1 && port <= 65535 ? NULL : "has an invalid port";
}

/* Dot segments and percent signs are refused: Claude Code would normalise them, so that the
 * address that is used would not be the one that is sealed. */
static const char *endpoint_parse_path(const char *path)
{
	const char *p, *seg;
	size_t n;

	for (p = path; *p; p++) {
		if (*p == '?' || *p == '#')
			return "must not have a query or a fragment";
		if (!isalnum((unsigned char)*p) && !strchr("/._~:@!$&'()*+,;=-", *p))
			return "has characters in its path that are not allowed";
	}
	for (seg = path; *seg; seg += n) {
		seg += *seg == '/';
		n = strcspn(seg, "/");
		if ((n == 1 && seg[0] == '.') || (n == 2 && seg[0] == '.' && seg[1] == '.'))
			return "must not have . or .. in its path";
	}
	return NULL;
}

static bool endpoint_host_is_local(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

const char *endpoint_parse(const char *url, struct endpoint *out)
{
	size_t start, end, host_end;
	const char *why, *close;

	memset(out, 0, sizeof(*out));
	why = endpoint_span(url, &start, &end);
	if (why)
		return why;
	if (memchr(url + start, '@', end - start))
		return "must not have a user or password";
	if (memchr(url + start, '?', end - start) || memchr(url + start, '#', end - start))
		return "must not have a query or a fragment";
	out->tls = start == 8;
	if (url[start] == '[') {
		close = memchr(url + start, ']', end - start);
		if (!close)
			return "has a malformed IPv6 address";
		host_end = (size_t)(close - url) + 1;
		why = endpoint_parse_v6(url + start + 1, host_end - start - 2, out->host);
	} else {
		host_end = start + strcspn(url + start, ":/");
		why = endpoint_parse_host(url + start, host_end - start, out->host);
	}
	if (!why && host_end != end && url[host_end] != ':')
		why = "has text between host and path";
	if (!why && host_end != end)
		why = endpoint_parse_port(url + host_end + 1, end - host_end - 1);
	if (!why)
		why = endpoint_parse_path(url + end);
	out->local = !why && endpoint_host_is_local(out->host);
	return why;
}

bool endpoint_trim(char *url, bool drop_v1)
{
	size_t n = strlen(url), start, end;
	bool dropped = false;

	if (endpoint_span(url, &start, &end))
		return false;
	for (;;) {
		while (n > end && url[n - 1] == '/')
			n--;
		if (!drop_v1 || n < end + 3 || strncmp(url + n - 3, "/v1", 3) != 0)
			break;
		n -= 3;
		dropped = true;
	}
	url[n] = '\0';
	return dropped;
}
