/*
 * relay/request_routes.c - which methods, paths and queries may pass to the provider.
 */
#include "relay/request_routes.h"

#include <string.h>

#include "base/control.h"

/* ---- the lists ---- */

/* What the client asks of the Messages API for itself; not files, batches, or keys. */
static const char *const page[] = { "limit", "before_id", "after_id", NULL };
static const struct request_route messages_routes[] = {
	{ HTTP_POST, "/v1/messages", "beta=true", NULL, true, false, false },
	{ HTTP_POST, "/v1/messages/count_tokens", "beta=true", NULL, false, false, false },
	{ HTTP_GET, "/v1/models", NULL, page, false, false, false },
	{ HTTP_GET, "/v1/models/*", NULL, NULL, false, false, false },
};

static const struct request_route bedrock_routes[] = {
	{ HTTP_POST, "/model/*/invoke", NULL, NULL, true, true, false },
	{ HTTP_POST, "/model/*/invoke-with-response-stream", NULL, NULL, true, true, true },
	{ HTTP_POST, "/model/*/converse", NULL, NULL, true, true, false },
	{ HTTP_POST, "/model/*/converse-stream", NULL, NULL, true, true, true },
	{ HTTP_POST, "/model/*/count-tokens", NULL, NULL, false, true, false },
};

const struct request_route *request_routes_of(enum request_api api, size_t *count)
{
	if (api == REQUEST_API_BEDROCK) {
		*count = sizeof(bedrock_routes) / sizeof(bedrock_routes[0]);
		return bedrock_routes;
	}
	*count = sizeof(messages_routes) / sizeof(messages_routes[0]);
	return messages_routes;
}

/* ---- paths ---- */

/* The byte at p, which is a character or a triplet of percent-encoding; *n is its length. */
static char path_byte(const char *p, size_t *n)
{
	static const char digits[] = "0123456789abcdef";
	const char *high, *low;

	*n = 1;
	if (*p != '%')
		return *p;
	/* http_target_split has seen that two digits follow. */
	*n = 3;
	high = strchr(digits, p[1] | 0x20);
	low = strchr(digits, p[2] | 0x20);
	return high && low ? (char)((high - digits) * 16 + (low - digits)) : '\0';
}

/* Bedrock's names and ARNs are made of these. */
static bool model_has(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("._:/-", c));
}

static bool segment_is_model(struct http_view v)
{
	size_t i, n;

	for (i = 0; i < v.n; i += n)
		if (!model_has(path_byte(v.p + i, &n)))
			return false;
	return true;
}

static bool segment_has_slash(struct http_view v)
{
	size_t i, n;

	for (i = 0; i < v.n; i += n)
		if (path_byte(v.p + i, &n) == '/')
			return true;
	return false;
}

/* Does path have the route's form?  *segment is what stands for its `*`, if it has one. */
static bool route_has_path(const struct request_route *route, struct http_view path,
			   struct http_view *segment)
{
	const char *star = strstr(route->path, "/*");
	size_t before, behind;

	*segment = (struct http_view){ NULL, 0 };
	if (!star)
		return http_view_is(path, route->path);
	before = (size_t)(star - route->path) + 1; /* with the slash */
	behind = strlen(star + 2);
	if (path.n <= before + behind || memcmp(path.p, route->path, before) != 0 ||
	    memcmp(path.p + path.n - behind, star + 2, behind) != 0)
		return false;
	*segment = (struct http_view){ path.p + before, path.n - before - behind };
	if (memchr(segment->p, '/', segment->n))
		return false;
	return route->model ? segment_is_model(*segment) : !segment_has_slash(*segment);
}

void request_route_model(const struct request_route *route, struct http_view path, char *out,
			 size_t size)
{
	struct http_view v;
	size_t i, k, n;

	out[0] = '\0';
	if (!route->model || !route_has_path(route, path, &v))
		return;
	for (i = 0, k = 0; i < v.n && k + 1 < size; i += n)
		out[k++] = path_byte(v.p + i, &n);
	out[k] = '\0';
}

/* ---- queries ---- */

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

const struct request_route *request_route_find(const struct request_route *routes, size_t count,
					       enum http_method method, struct http_view path,
					       struct http_view query)
{
	struct http_view segment;
	size_t i;

	for (i = 0; i < count; i++)
		if (routes[i].method == method && route_has_path(&routes[i], path, &segment) &&
		    route_has_query(&routes[i], query))
			return &routes[i];
	return control_active(CONTROL_REQUEST_ROUTES) ? NULL : &routes[0];
}
