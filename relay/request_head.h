/*
 * relay/request_head.h - writing the head of the request that the provider gets.
 *
 * It is written in two parts, so that a secret is in the caller's locked memory alone:
 * request_head_write's into ordinary memory, and behind it a line of
 * request_secret_write's for each secret, then REQUEST_HEAD_END.
 */
#ifndef RELAY_REQUEST_HEAD_H
#define RELAY_REQUEST_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/http_request.h"
#include "relay/request_fields.h"

struct failure;

#define REQUEST_HEAD_END "\r\n"

struct request_provider {
	const char *host;   /* with the port where the URL has one */
	const char *prefix; /* put before the path: "" or "/api/anthropic", no slash at its end */
	struct request_field_policy fields;
	const char *accept; /* types of answers; NULL: the two that the relay reads */
};

/*
 * Write method, target and fields of r for the provider p: its own Host, the types of
 * answers, not compressed, the framing as it was read, the fields that
 * request_field_passes, and those that p adds.
 * At most size bytes, without the empty line and without a NUL; *n are written.
 * Returns 0, or -1: FAIL_TOO_LARGE, or FAIL_BAD_VALUE for a host or prefix that is none, or
 * a field that request_added_ok refuses.
 */
int request_head_write(const struct http_request *r, const struct request_provider *p, char *out,
		       size_t size, size_t *n, struct failure *f);

/* Can a provider's file add this field: a name that nobody else writes, a value that a line
 * can hold? */
bool request_added_ok(const struct request_added *a);

/*
 * Write the line of one secret, len bytes of value, into out: locked memory of at most
 * size bytes, which the caller wipes.  *n are written, without a NUL.  Returns 0, or -1
 * with nothing written: FAIL_TOO_LARGE, or FAIL_BAD_VALUE for a name that the relay
 * writes otherwise or a value that is not printable ASCII.  The failure has no part of it.
 */
int request_secret_write(const struct request_secret *s, const char *value, size_t len, char *out,
			 size_t size, size_t *n, struct failure *f);

#endif
