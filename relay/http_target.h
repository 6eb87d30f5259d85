/*
 * relay/http_target.h - a request's target, accepted only where every server
 * understands the same path by it.
 */
#ifndef RELAY_HTTP_TARGET_H
#define RELAY_HTTP_TARGET_H

#include "relay/http_text.h"

/*
 * Split a target into *path and *query (behind the `?`; .p is NULL without one),
 * views into it.  Accepted is `/path[?query]` (RFC 9112, 3.2.1) whose path nobody
 * decodes or shortens to another one: no empty, `.` or `..` segment, no `;`, and
 * nothing in percent-encoding that need not be, or that means something when decoded.
 * But for `%2F`, which Bedrock wants in names of models: it passes where no segment
 * becomes one of those by it, and a list of paths must not take it for another byte.
 * In the query nothing is percent-encoded but printable ASCII.
 * Returns NULL, or why not, a text without an end.
 */
const char *http_target_split(struct http_view target, struct http_view *path,
			      struct http_view *query);

#endif
