/*
 * relay/request_routes.c - which methods and paths may pass to the provider.
 */
#include "relay/request_routes.h"

#include <string.h>

static bool route_matches(const char *pattern, struct http_view path)
{
	size_t n = strlen(pattern);

	if (n < 2 || strcmp(pattern + n - 2, "/*") != 0)
		return http_view_is(path, pattern);
	n--; /* the slash belongs to what is compared */
	return path.n > n && memcmp(path.p, pattern, n) == 0 &&
	       !memchr(path.p + n, '/', path.n - n);
}

bool request_route_allowed(const struct request_route *routes, size_t count,
			   enum http_method method, struct http_view path)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (routes[i].method == method && route_matches(routes[i].path, path))
			return true;
	return false;
}
