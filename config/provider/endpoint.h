/*
 * config/provider/endpoint.h - an endpoint's address, taken apart strictly.
 */
#ifndef CONFIG_PROVIDER_ENDPOINT_H
#define CONFIG_PROVIDER_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

struct endpoint {
	char host[256]; /* an IPv6 address without its brackets */
	bool tls;
	bool local; /* localhost, 127.*, ::1 */
};

/*
 * Take url apart: http(s)://HOST[:PORT][/PATH] and nothing else, as whatever
 * two programs could read in two ways would make the sealed origin worthless.
 * Returns NULL, or what is wrong with it (static).
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
