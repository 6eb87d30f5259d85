/*
 * config/ini/user_file.h - a person's own files under ~/.config/ccrun, written by
 * ccctl: through links (dotfile managers make them), with the mode that they
 * have, whole or not at all, one change at a time.
 */
#ifndef CONFIG_INI_USER_FILE_H
#define CONFIG_INI_USER_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/paths.h"

struct failure;

/*
 * leaf: "ccrun.conf" or "providers/NAME.conf".  The directory is made (0700) when
 * it is not there, and must be one that nobody else can write.  path: where the
 * file is, behind its links; *mode: what it has, 0600 when there is none yet.
 * Returns a descriptor whose closing ends the turn of who changes files there, or -1.
 * *there: is there a file?
 */
int user_file_begin(const char *leaf, char path[PATH_SIZE], mode_t *mode, bool *there, struct failure *f);

/* Set key in section, or (value NULL) take it away; all else stays byte for byte. */
int user_file_set(const char *leaf, const char *section, const char *key, const char *value,
		  struct failure *f);

#endif
