/*
 * client/common/show_provider.h - the environment that a provider's files give claude,
 * and where each value comes from.
 */
#ifndef CLIENT_COMMON_SHOW_PROVIDER_H
#define CLIENT_COMMON_SHOW_PROVIDER_H

struct json_t;
struct provider;

/* As text on standard output. */
void show_provider(const struct provider *p);

/*
 * {provider, title, url, set: [{name, value, where}], secrets: [{variable, entry}],
 * dropped: [name]}.  The caller owns it.
 */
struct json_t *show_provider_json(const struct provider *p);

#endif
