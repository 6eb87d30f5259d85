/*
 * wire/endpoint.h - parsing the address of an endpoint, strictly.
 */
#ifndef WIRE_ENDPOINT_H
#define WIRE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

struct endpoint {
	char host[256]; /* an IPv6 address without its brackets */
	bool tls;
	bool local; /* localhost, 127.*, ::1 */
};

/*
 * Parse http(s)://HOST[:PORT][/PATH] and nothing else.  What two programs could read in
 * two ways is refused: Claude Code could then connect to another host than the one
 * whose origin is sealed.  Returns NULL, or what is wrong with url (static).
 */
const char *endpoint_parse(const char *url, struct endpoint *out);

/*
 * The span of the host and port in url, which may hold ${...}: *start and
 * *end are offsets.  Returns NULL or what is wrong (no http(s)://).
 */
const char *endpoint_span(const char *url, size_t *start, size_t *end);

/* Drop trailing slashes and, with drop_v1, a final /v1.  Was a /v1 dropped? */
bool endpoint_trim(char *url, bool drop_v1);

#endif
