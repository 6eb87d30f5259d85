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
	bool local; /* localhost and names below it, 127.*, ::1 */
};

/* Is it a name of this machine whoever is asked: localhost, NAME.localhost (RFC 6761), also with
 * a final dot? */
bool endpoint_host_is_localhost(const char *host);

/* Is it a name of multicast DNS, NAME.local (RFC 6762)?  The network is asked for its address, and
 * whoever answers has it; a program of the user's, a session's too, has avahi answer over the system's bus. */
bool endpoint_host_is_mdns(const char *host);

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

#define ENDPOINT_V1 1u	     /* a final /v1 was dropped */
#define ENDPOINT_MESSAGES 2u /* a final /v1/messages, or its count_tokens, was dropped */
#define ENDPOINT_CASE 4u     /* scheme or host were in upper case */

/*
 * Correct, in place, an address as vendors' pages print it: scheme and host in lower case
 * (but not in ${...}), no trailing slashes, and with drop_v1 not what the client adds
 * itself.  Returns what was corrected; of slashes nothing is said.
 */
unsigned endpoint_correct(char *url, bool drop_v1);

/* How to write an address that endpoint_parse refuses.  NULL: nothing is known. */
const char *endpoint_mend(const char *url);

/* NULL, or what is wrong with an address that endpoint_parse takes: it is another API's. */
const char *endpoint_other_api(const char *url);

/* Does the client add /v1 to the address, with this kind of credential? */
bool origin_client_adds_v1(const char *kind);

/* An origin, "KIND URL", in place: its address as endpoint_correct has it. */
void origin_correct(char *origin);

/* Is the origin that is asked for the sealed one, as it is or with its address corrected?
 * Early versions sealed addresses as they were written; none asks for one that is not right. */
bool origin_is_sealed(const char *sealed, const char *asked);

/* Does the origin say where a token goes, "KIND ADDRESS"?  A single word stands for nowhere
 * yet: ccctl seals a key that belongs to no provider for one. */
bool origin_is_bound(const char *origin);

#endif
