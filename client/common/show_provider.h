/*
 * client/common/show_provider.h - the environment that a provider's files give claude,
 * and where each value comes from.
 */
#ifndef CLIENT_COMMON_SHOW_PROVIDER_H
#define CLIENT_COMMON_SHOW_PROVIDER_H

struct json_t;
struct provider;

/* As text on standard output.  What ccrun takes over of the person's settings is in p then. */
void show_provider(struct provider *p);

/*
 * {provider, title, url, set: [{name, value, where}], secrets: [{variable, entry}],
 * dropped: [name], heeded: [{name, where}], ignored: [{name, where, why}], refused: why
 * ccrun will not start with it, or null}.  The caller owns it.
 */
struct json_t *show_provider_json(struct provider *p);

#endif
