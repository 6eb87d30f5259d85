/*
 * relay/request_routes.h - which methods and paths may pass to the provider.
 */
#ifndef RELAY_REQUEST_ROUTES_H
#define RELAY_REQUEST_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/http_request.h"

struct request_route {
	enum http_method method;
	const char *path; /* exact, or with an end of `/` and `*` for one more segment */
};

/*
 * Is this method with this path, as http_target_split accepted it, on the list?  An
 * empty list lets nothing pass.  The comparison is byte by byte: capitals differ.
 */
bool request_route_allowed(const struct request_route *routes, size_t count,
			   enum http_method method, struct http_view path);

#endif
