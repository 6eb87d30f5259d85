/*
 * statusline/git_url.c - from a remote's URL to the page that a browser
 * shows for it.  Built anew from parts of a strict character set: nothing of the
 * URL is copied that is not host, port or path.
 *
 * url.*.insteadOf is not followed: it is mostly the user's own configuration,
 * which is not read.
 */
#include "statusline/git_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool alnum(char c)
{
	return isalnum((unsigned char)c) && (unsigned char)c < 128;
}

/* A name with a dot in it (others are names of ssh's configuration), or IPv4. */
static bool host_ok(const char *s, size_t n)
{
	bool dot = false;
	size_t i;

	if (n == 0 || n > 253 || !alnum(s[0]) || !alnum(s[n - 1]))
		return false;
	for (i = 0; i < n; i++) {
		if (s[i] == '.') {
			dot = true;
			if (!alnum(s[i - 1]) || !alnum(s[i + 1]))
				return false;
		} else if (!alnum(s[i]) && s[i] != '-') {
			return false;
		}
	}
	return dot;
}

static bool port_ok(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return n > 0 && n <= 5;
}

/* Parts between slashes, none of them empty, "." or "..". */
static bool path_ok(const char *s, size_t n)
{
	size_t i, begin = 0;

	for (i = 0; i <= n; i++) {
		if (i < n && s[i] != '/') {
			if (!alnum(s[i]) && !memchr("-._~+", s[i], 5))
				return false;
			continue;
		}
		if (i == begin || (i - begin == 1 && s[begin] == '.') ||
		    (i - begin == 2 && memcmp(s + begin, "..", 2) == 0))
			return false;
		begin = i + 1;
	}
	return true;
}

static void build(const char *host, size_t host_n, const char *port, size_t port_n, const char *path,
		  char *out, size_t size)
{
	size_t n = strlen(path);
	int r;

	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n > 4 && memcmp(path + n - 4, ".git", 4) == 0 && path[n - 5] != '/')
		n -= 4;
	if (!host_ok(host, host_n) || !path_ok(path, n) || n >= size)
		return;
	r = snprintf(out, size, "https://%.*s%s%.*s/%.*s", (int)host_n, host, port_n ? ":" : "", (int)port_n,
		     port, (int)n, path);
	if (r < 0 || (size_t)r >= size)
		out[0] = '\0';
}

/* scheme://[userinfo@]host[:port]/path; rest: from userinfo on. */
static void from_url(const char *rest, bool https, bool http, char *out, size_t size)
{
	const char *slash = strchr(rest, '/'), *host = rest, *port, *p;
	size_t port_n = 0;

	if (!slash)
		return;
	for (p = rest; p < slash; p++)
		if (*p == '@')
			host = p + 1;
	port = memchr(host, ':', (size_t)(slash - host));
	p = port ? port : slash;
	if (port) {
		port++;
		port_n = (size_t)(slash - port);
		if (!port_ok(port, port_n) || http)
			return;
	}
	/* Another port than ssh's says nothing about https. */
	build(host, (size_t)(p - host), port ? port : "", https ? port_n : 0, slash + 1, out, size);
}

/* [user@]host:path, as scp has it: the first colon ends the host. */
static void from_scp(const char *url, char *out, size_t size)
{
	const char *colon = strchr(url, ':'), *host = url, *p;

	/* A path on the server's disk is no page. */
	if (!colon || memchr(url, '/', (size_t)(colon - url)) || colon[1] == '/')
		return;
	for (p = url; p < colon; p++)
		if (*p == '@')
			host = p + 1;
	build(host, (size_t)(colon - host), "", 0, colon + 1, out, size);
}

void git_page(const char *url, char *out, size_t size)
{
	static const char *const schemes[] = { "https://", "http://", "ssh://", "git+ssh://", "ssh+git://",
					       "git://" };
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
			from_url(url + strlen(schemes[i]), i == 0, i == 1, out, size);
			return;
		}
	}
	if (!strstr(url, "://"))
		from_scp(url, out, size);
}
