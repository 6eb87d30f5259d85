/*
 * config/client/client_dir.h - where the client keeps its files.
 */
#ifndef CONFIG_CLIENT_CLIENT_DIR_H
#define CONFIG_CLIENT_CLIENT_DIR_H

struct failure;
struct provider;

/* Its directory for settings and state in a session of p.  dir: PATH_SIZE bytes.  0 or -1. */
int client_config_dir(const struct provider *p, char *dir, struct failure *f);

#endif
