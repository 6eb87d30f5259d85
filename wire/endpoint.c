/*
 * wire/endpoint.c - what an address may look like.
 */
#include "wire/endpoint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/limits.h"

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

/* Is it that name, or one below it? */
static bool endpoint_host_is_in(const char *host, const char *name)
{
	size_t n = strlen(host), own = strlen(name);

	if (n && host[n - 1] == '.')
		n--;
	return n >= own && strncasecmp(host + n - own, name, own) == 0 &&
	       (n == own || host[n - own - 1] == '.');
}

bool endpoint_host_is_localhost(const char *host)
{
	return endpoint_host_is_in(host, "localhost");
}

bool endpoint_host_is_mdns(const char *host)
{
	return endpoint_host_is_in(host, "local");
}

static bool endpoint_host_is_local(const char *host)
{
	return endpoint_host_is_localhost(host) || strcmp(host, "::1") == 0 ||
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

/* Scheme and host, but not the names of parameters between them.  Was anything in upper case? */
static bool endpoint_lower(char *url, size_t end)
{
	bool name = false, changed = false;
	size_t i;

	for (i = 0; i < end; i++) {
		name = url[i] == '{' || (name && url[i] != '}');
		if (name || url[i] < 'A' || url[i] > 'Z')
			continue;
		url[i] = (char)(url[i] - 'A' + 'a');
		changed = true;
	}
	return changed;
}

static bool endpoint_drop_end(char *url, size_t *n, size_t least, const char *what)
{
	size_t len = strlen(what);

	if (*n < least + len || memcmp(url + *n - len, what, len) != 0)
		return false;
	*n -= len;
	url[*n] = '\0';
	return true;
}

unsigned endpoint_correct(char *url, bool drop_v1)
{
	size_t n = strlen(url), start, end, scheme = strcspn(url, ":");
	unsigned changed = 0;

	/* What is no address stays as it is. */
	if ((scheme != 4 && scheme != 5) || strncasecmp(url, "https", scheme) != 0 ||
	    strncmp(url + scheme, "://", 3) != 0)
		return 0;
	if (endpoint_lower(url, scheme))
		changed |= ENDPOINT_CASE;
	if (endpoint_span(url, &start, &end))
		return changed;
	/* A user's name and password have their case; they are refused. */
	if (!memchr(url, '@', end) && endpoint_lower(url, end))
		changed |= ENDPOINT_CASE;
	/* Until nothing is left to drop: what was corrected stays as it is. */
	for (;;) {
		while (endpoint_drop_end(url, &n, end, "/"))
			;
		if (drop_v1 && (endpoint_drop_end(url, &n, end, "/v1/messages") ||
				endpoint_drop_end(url, &n, end, "/v1/messages/count_tokens")))
			changed |= ENDPOINT_MESSAGES;
		else if (drop_v1 && endpoint_drop_end(url, &n, end, "/v1"))
			changed |= ENDPOINT_V1;
		else
			return changed;
	}
}

const char *endpoint_mend(const char *url)
{
	size_t start, end, i;

	if (endpoint_span(url, &start, &end))
		return "write https:// before it, or http:// for a server on this machine";
	if (memchr(url + start, '@', end - start))
		return "write it without USER:PASSWORD@; ccctl add stores the key";
	if (strpbrk(url, "<>[]{}") && url[start] != '[')
		return "put your own value in the placeholder's place";
	for (i = start; i < end; i++)
		if ((unsigned char)url[i] >= 0x80)
			return "write the host in its xn-- form";
	if (strpbrk(url, "?#"))
		return "write it up to the ? or #";
	if (strpbrk(url, " \t"))
		return "write it without blanks";
	if (strchr(url, '%'))
		return "write it without % escapes";
	return NULL;
}

const char *endpoint_other_api(const char *url)
{
	static const char *const ends[] = { "/chat/completions", "/completions", "/responses",
					    "/embeddings", ":generateContent" };
	size_t i, n = strlen(url), len;

	while (n > 0 && url[n - 1] == '/')
		n--;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		len = strlen(ends[i]);
		if (n >= len && memcmp(url + n - len, ends[i], len) == 0)
			return "is the address of another API than Anthropic's Messages";
	}
	return NULL;
}

bool origin_client_adds_v1(const char *kind)
{
	return strcmp(kind, "vertex") != 0 && strcmp(kind, "bedrock") != 0;
}

void origin_correct(char *origin)
{
	char *space = strchr(origin, ' ');
	bool adds;

	if (!space)
		return;
	*space = '\0';
	adds = origin_client_adds_v1(origin);
	*space = ' ';
	endpoint_correct(space + 1, adds);
}

bool origin_is_sealed(const char *sealed, const char *asked)
{
	char right[ORIGIN_MAX_LEN + 1];
	size_t n = strlen(sealed);

	if (strcmp(sealed, asked) == 0)
		return true;
	if (n > ORIGIN_MAX_LEN)
		return false;
	memcpy(right, sealed, n + 1);
	origin_correct(right);
	return strcmp(right, asked) == 0;
}

bool origin_is_bound(const char *origin)
{
	size_t n = strcspn(origin, " ");

	return n > 0 && origin[n] == ' ' && origin[n + 1] != '\0';
}
