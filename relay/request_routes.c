/*
 * relay/request_routes.c - which methods, paths and queries may pass to the provider.
 */
#include "relay/request_routes.h"

#include <string.h>

static bool route_has_path(const char *pattern, struct http_view path)
{
	size_t n = strlen(pattern);

	if (n < 2 || strcmp(pattern + n - 2, "/*") != 0)
		return http_view_is(path, pattern);
	n--; /* the slash belongs to what is compared */
	return path.n > n && memcmp(path.p, pattern, n) == 0 &&
	       !memchr(path.p + n, '/', path.n - n);
}

/* What stands before the next `&` of *rest; false when *rest has ended. */
static bool query_next_pair(struct http_view *rest, struct http_view *pair)
{
	const char *end;

	if (!rest->p)
		return false;
	*pair = *rest;
	end = rest->n ? memchr(rest->p, '&', rest->n) : NULL;
	if (!end) {
		rest->p = NULL;
		return true;
	}
	pair->n = (size_t)(end - pair->p);
	rest->p = end + 1;
	rest->n -= pair->n + 1;
	return true;
}

/* `name=value` with this name? */
static bool pair_is_of(struct http_view pair, const char *name)
{
	size_t i, n = strlen(name);

	if (pair.n < n + 2 || memcmp(pair.p, name, n) != 0 || pair.p[n] != '=')
		return false;
	for (i = n + 1; i < pair.n; i++)
		if (!http_is_unreserved(pair.p[i]))
			return false;
	return true;
}

static size_t query_count_of(struct http_view query, const char *name)
{
	struct http_view pair;
	size_t n = 0;

	while (query_next_pair(&query, &pair))
		n += pair_is_of(pair, name);
	return n;
}

/* Servers differ about which of two values they take, so each name comes once. */
static bool query_has_only(struct http_view query, const char *const *names)
{
	struct http_view pair, rest = query;
	size_t pairs = 0, known = 0, n;

	while (query_next_pair(&rest, &pair))
		pairs++;
	for (; *names; names++) {
		n = query_count_of(query, *names);
		if (n > 1)
			return false;
		known += n;
	}
	return known == pairs;
}

static bool route_has_query(const struct request_route *route, struct http_view query)
{
	if (!query.p)
		return true;
	if (route->query && http_view_is(query, route->query))
		return true;
	return route->parameters && query_has_only(query, route->parameters);
}

bool request_route_allowed(const struct request_route *routes, size_t count,
			   enum http_method method, struct http_view path, struct http_view query)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (routes[i].method == method && route_has_path(routes[i].path, path) &&
		    route_has_query(&routes[i], query))
			return true;
	return false;
}
