/*
 * config/project/allowed_pins.h - the pins that the user has allowed.
 *
 * They are in $XDG_DATA_HOME/ccrun/projects: a line with the path of the pin, then its
 * content, a tab before each line.  The whole content is kept, not a digest: it is
 * small, the user can read what was allowed, and ccctl can show what has changed.
 */
#ifndef CONFIG_PROJECT_ALLOWED_PINS_H
#define CONFIG_PROJECT_ALLOWED_PINS_H

#include <stdbool.h>
#include "config/project/project.h"

struct failure;

#define ALLOWED_MAX (1024 * 1024) /* bytes of the file */

enum project_standing { PROJECT_UNKNOWN, PROJECT_CHANGED, PROJECT_ALLOWED };

/* Has the user allowed this pin?  0, or -1 with FAIL_UNSAFE_PATH when others can write the
 * file of allowed pins. */
int allowed_standing(const struct project *p, enum project_standing *out, struct failure *f);

/* The content that was last allowed at the path, or "", in out (PROJECT_MAX + 1 bytes).
 * 0 or -1. */
int allowed_text(const char *path, char *out, struct failure *f);

/* Allow this content at the path, or (allow false; text may be NULL) forget what was
 * allowed there.  *was (may be NULL): was anything allowed there?  0 or -1. */
int allowed_record(const char *path, const char *text, bool allow, bool *was, struct failure *f);

#endif
