/*
 * config/client/client_dir.h - where the client keeps its files.
 */
#ifndef CONFIG_CLIENT_CLIENT_DIR_H
#define CONFIG_CLIENT_CLIENT_DIR_H

struct failure;
struct provider;

/*
 * Its directory for settings and state in a session of p; NULL: in no provider's.  dir: PATH_SIZE
 * bytes.  0; or -1, also where the person's own variable names none from / on.
 */
int client_config_dir(const struct provider *p, char *dir, struct failure *f);

#endif
