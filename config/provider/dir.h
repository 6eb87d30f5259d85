/*
 * config/provider/dir.h - the two directories that have the files of providers.
 */
#ifndef CONFIG_PROVIDER_DIR_H
#define CONFIG_PROVIDER_DIR_H

#include <stdbool.h>
#include "base/paths.h"

struct failure;

/*
 * Open the directory of the shipped files or (shipped false) of the user's overlays
 * and check that nobody else can write it.  *fd is -1 when there is none; the
 * caller closes it.  path receives its path.  0, or -1.
 */
int provider_dir_open(bool shipped, char path[PATH_SIZE], int *fd, struct failure *f);

#endif
