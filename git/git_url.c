/*
 * git/git_url.c - from a remote's URL to a web page.  The page's URL is
 * built from host, port and path, each checked against a strict character set;
 * nothing else of the remote's URL is copied.
 *
 * url.*.insteadOf is not applied: it is mostly in the user's configuration, which
 * is not read.
 */
#include "git/git_url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_ascii_alnum(char c)
{
	return isalnum((unsigned char)c) && (unsigned char)c < 128;
}

/* A host name with a dot (one without may be an alias of ssh_config(5)), or IPv4. */
static bool host_ok(const char *s, size_t n)
{
	bool dot = false;
	size_t i;

	if (n == 0 || n > 253 || !is_ascii_alnum(s[0]) || !is_ascii_alnum(s[n - 1]))
		return false;
	for (i = 0; i < n; i++) {
		if (s[i] == '.') {
			dot = true;
			if (!is_ascii_alnum(s[i - 1]) || !is_ascii_alnum(s[i + 1]))
				return false;
		} else if (!is_ascii_alnum(s[i]) && s[i] != '-') {
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

/* No component is empty, "." or "..". */
static bool path_ok(const char *s, size_t n)
{
	size_t i, begin = 0;

	for (i = 0; i <= n; i++) {
		if (i < n && s[i] != '/') {
			if (!is_ascii_alnum(s[i]) && !memchr("-._~+", s[i], 5))
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

static void page_build(const char *host, size_t host_n, const char *port, size_t port_n,
		       const char *path, char *out, size_t size)
{
	size_t n = strlen(path);
	int r;

	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n > 4 && memcmp(path + n - 4, ".git", 4) == 0 && path[n - 5] != '/')
		n -= 4;
	if (!host_ok(host, host_n) || !path_ok(path, n) || n >= size)
		return;
	r = snprintf(out, size, "https://%.*s%s%.*s/%.*s", (int)host_n, host, port_n ? ":" : "",
		     (int)port_n, port, (int)n, path);
	if (r < 0 || (size_t)r >= size)
		out[0] = '\0';
}

/* scheme://[userinfo@]host[:port]/path; rest begins at userinfo. */
static void page_from_url(const char *rest, bool https, bool http, char *out, size_t size)
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
	/* The port of another protocol says nothing about that of https. */
	page_build(host, (size_t)(p - host), port ? port : "", https ? port_n : 0, slash + 1, out,
		   size);
}

/* [user@]host:path, as for scp(1): the first colon ends the host. */
static void page_from_scp(const char *url, char *out, size_t size)
{
	const char *colon = strchr(url, ':'), *host = url, *p;

	/* A local path, or an absolute path on the server: there is no page. */
	if (!colon || memchr(url, '/', (size_t)(colon - url)) || colon[1] == '/')
		return;
	for (p = url; p < colon; p++)
		if (*p == '@')
			host = p + 1;
	page_build(host, (size_t)(colon - host), "", 0, colon + 1, out, size);
}

void git_url_page(const char *url, char *out, size_t size)
{
	static const char *const schemes[] = { "https://",   "http://",	   "ssh://",
					       "git+ssh://", "ssh+git://", "git://" };
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
			page_from_url(url + strlen(schemes[i]), i == 0, i == 1, out, size);
			return;
		}
	}
	if (!strstr(url, "://"))
		page_from_scp(url, out, size);
}
