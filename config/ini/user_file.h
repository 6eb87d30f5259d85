/*
 * config/ini/user_file.h - changing the user's own files under ~/.config/ccrun.  Symbolic
 * links are followed (dotfile managers make them), the mode is kept, a file is
 * replaced as a whole, and a lock keeps changes of several ccctl apart.
 */
#ifndef CONFIG_INI_USER_FILE_H
#define CONFIG_INI_USER_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/paths.h"

struct failure;

/*
 * Lock the directory of a file for a change.  leaf: "ccrun.conf" or
 * "providers/NAME.conf".  The directory is made (0700) when it is not there, and must be
 * one that nobody else can write.  path: of the file, its links resolved; *mode: the
 * file's, or 0600 when there is none; *there: is there a file?  Returns a descriptor, whose
 * closing unlocks, or -1.
 */
int user_file_begin(const char *leaf, char path[PATH_SIZE], mode_t *mode, bool *there,
		    struct failure *f);

/* Set key in section, or (value NULL) remove it, as ini_edit does.  0 or -1. */
int user_file_set(const char *leaf, const char *section, const char *key, const char *value,
		  struct failure *f);

#endif
