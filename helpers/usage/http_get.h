/*
 * helpers/usage/http_get.h - one HTTP GET request with a key (libcurl).
 */
#ifndef HELPERS_USAGE_HTTP_GET_H
#define HELPERS_USAGE_HTTP_GET_H

#include <stddef.h>
#include <stdint.h>

#include "helpers/usage/usage_result.h"

struct usage_kind;
struct usage_target;

#define HTTP_BODY_MAX 65536 /* bytes; known answers are shorter than four KiB */

struct http_answer {
	enum usage_error error;
	uint32_t retry; /* the header Retry-After in seconds, at most RETRY_MAX; 0 for none */
	size_t n;	/* bytes of body */
	char body[HTTP_BODY_MAX];
};

/*
 * Request target->url with the token (len bytes that passed wire_token_check).  Fills
 * *out in every case.  libcurl allocates with heap_malloc, so its copies of the token
 * are in locked memory and wiped.  Call it once per process: after a time-out a thread
 * may stay that still waits for a name server.
 */
void http_get(const struct usage_kind *kind, const struct usage_target *target,
	      const uint8_t *token, size_t len, struct http_answer *out);

#endif
