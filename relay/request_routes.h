/*
 * relay/request_routes.h - which methods, paths and queries may pass to the provider.
 */
#ifndef RELAY_REQUEST_ROUTES_H
#define RELAY_REQUEST_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/http_request.h"

/* Which list: as the provider's API is, by its kind of credential. */
enum request_api { REQUEST_API_MESSAGES, REQUEST_API_BEDROCK };

struct request_route {
	enum http_method method;
	const char *path; /* exact, but for one segment that may be a `*` by itself */
	/* What may stand behind a `?`; neither: the target must have no query. */
	const char *query;	       /* this text, byte by byte; NULL: none */
	const char *const *parameters; /* or these, ended by NULL; NULL: none */
	bool billed;		       /* an answer costs money */
	/* The `*` is a model's id or ARN of Bedrock, whose slashes are `%2F`; elsewhere
	   nothing with a `%2F` passes. */
	bool model;
	bool streams; /* the path says that the answer is a stream, and not the body */
};

/* The list of an API; *count is its length. */
const struct request_route *request_routes_of(enum request_api api, size_t *count);

/*
 * The route of the list that this method with this path and query, as http_target_split
 * gave them, is on; or NULL.  An empty list lets nothing pass.  The comparison is byte by
 * byte: capitals differ.  A query of parameters is `name=value`, joined by `&`: each name
 * at most once, each value one or more unreserved characters.  A target without `?`
 * passes on every route.
 */
const struct request_route *request_route_find(const struct request_route *routes, size_t count,
					       enum http_method method, struct http_view path,
					       struct http_view query);

/*
 * The model that a path on this route names, decoded, in out (size bytes, with its NUL;
 * cut if need be).  "" where the route names none.
 */
void request_route_model(const struct request_route *route, struct http_view path, char *out,
			 size_t size);

#endif
