/*
 * client/common/show_provider.h - what a provider's files would have claude given, and
 * where each value comes from.
 */
#ifndef CLIENT_COMMON_SHOW_PROVIDER_H
#define CLIENT_COMMON_SHOW_PROVIDER_H

struct json_t;
struct provider;

/* One fact a line, on standard output. */
void show_provider(const struct provider *p);

/* {title, url, set: [{name, value, where}], secrets: [{variable, entry}], dropped: [name]} */
struct json_t *show_provider_json(const struct provider *p);

#endif
