/*
 * broker/relay_headers.h - headers that a provider's file says, on their way from `open` to a
 * relay or a client.
 *
 * MUST: none but those that are sealed.  Some gateways send on, with the key, to where a
 * header of theirs says.  So they are lines of the text whose digest is compared with
 * what was sealed with each key of the session (broker/policy.h), and no request names
 * one beside it.
 */
#ifndef BROKER_RELAY_HEADERS_H
#define BROKER_RELAY_HEADERS_H

#include <stddef.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;
struct wire_out;

/*
 * Copy the lines "header:NAME=VALUE" out of the n bytes at lines, each with its newline.
 * 0, or -1 with FAIL_BAD_VALUE or FAIL_TOO_LARGE.
 */
int relay_headers_take(char out[HEADERS_MAX_LEN + 1], const uint8_t *lines, size_t n,
		       struct failure *f);

/* Such lines as the client reads them, "NAME: VALUE" with newlines between. */
void relay_headers_text(char out[HEADERS_MAX_LEN + 1], const char *lines);

/* Write such lines into a relay's `start`, as the array `added`.  0, or -1 with
 * FAIL_BAD_VALUE. */
int relay_headers_put(struct wire_out *o, const char *lines, struct failure *f);

#endif
