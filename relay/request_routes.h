/*
 * relay/request_routes.h - which methods, paths and queries may pass to the provider.
 */
#ifndef RELAY_REQUEST_ROUTES_H
#define RELAY_REQUEST_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/http_request.h"

struct request_route {
	enum http_method method;
	const char *path; /* exact, or with an end of `/` and `*` for one more segment */
	/* What may stand behind a `?`; neither: the target must have no query. */
	const char *query;	       /* this text, byte by byte; NULL: none */
	const char *const *parameters; /* or these, ended by NULL; NULL: none */
};

/*
 * Is this method with this path and query, as http_target_split gave them, on the list?
 * An empty list lets nothing pass.  The comparison is byte by byte: capitals differ.  A
 * query of parameters is `name=value`, joined by `&`: each name at most once, each value
 * one or more unreserved characters.  A target without `?` passes on every route.
 */
bool request_route_allowed(const struct request_route *routes, size_t count,
			   enum http_method method, struct http_view path, struct http_view query);

#endif
