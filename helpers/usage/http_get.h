/*
 * helpers/usage/http_get.h - one GET with a key (libcurl).
 */
#ifndef HELPERS_USAGE_HTTP_GET_H
#define HELPERS_USAGE_HTTP_GET_H

#include <stddef.h>
#include <stdint.h>

struct usage_kind;
struct usage_target;

#define BODY_MAX 65536 /* bytes; the longest answer known is below four KiB */

struct http_answer {
	int error;	/* enum usage_error */
	uint32_t retry; /* Retry-After in seconds, at most RETRY_MAX; 0 for none */
	size_t n;
	char body[BODY_MAX];
};

/*
 * Ask target with the token (len bytes, checked by wire_token_check).
 * libcurl's memory, the header among it, is heap_malloc's; both are wiped.  Once a
 * process: it may leave a thread behind that waits for a name server.
 */
void http_get(const struct usage_kind *kind, const struct usage_target *target, const uint8_t *token, size_t len,
	       struct http_answer *out);

#endif
