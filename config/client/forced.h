/*
 * config/client/forced.h - what managed settings force.
 */
#ifndef CONFIG_CLIENT_FORCED_H
#define CONFIG_CLIENT_FORCED_H

#include <stdbool.h>

struct failure;
struct provider;
struct settings_files;

/*
 * Do the administrator's settings want another login, credential or address than p's?  The
 * client would go by them, or be stopped by them when it has started, or heed p because
 * ccrun says so, which is not for ccrun to decide.  0, or -1 with FAIL_POLICY.
 */
int forced_check(const struct provider *p, const struct settings_files *files, bool relayed,
		 struct failure *f);

#endif
