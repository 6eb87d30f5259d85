/*
 * config/provider/env_sealed.h - the part of a provider's [env] that is sealed with its
 * keys.
 */
#ifndef CONFIG_PROVIDER_ENV_SEALED_H
#define CONFIG_PROVIDER_ENV_SEALED_H

#include "wire/limits.h"

struct failure;
struct provider;

/*
 * The variables of [env] that variable_is_harmless does not know and those of [regions], as
 * lines NAME=value, the headers of requests, as lines header:NAME=value, and where several
 * secrets go out together, those that the user's own files say, as lines secret:CARRIER=entry; variables
 * first, each kind sorted by bytes, each line with its newline.  Their digest (vault/crypto.h, seal_digest) is
 * `env=` in a policy; no lines, no digest.  Returns their length, or -1 with FAIL_CONFIG:
 * more than ENV_SEALED_MAX bytes.
 */
int provider_env_sealed(const struct provider *p, char out[ENV_SEALED_MAX + 1], struct failure *f);

#endif
