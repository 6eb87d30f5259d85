/*
 * config/source/source_expand.h - from a reference to the words of a command.
 */
#ifndef CONFIG_SOURCE_SOURCE_EXPAND_H
#define CONFIG_SOURCE_SOURCE_EXPAND_H

#include "base/paths.h"
#include "config/source/command.h"
#include "config/source/source.h"

struct failure;

/*
 * The words of the file's command for a reference, its placeholders replaced; the first is
 * the program as the file names it.  pick (SOURCE_PICK_MAX + 1 bytes) says how to read
 * the output, see source_pick.  command_free is due.  0, or -1 with FAIL_BAD_VALUE (the
 * reference), FAIL_CONFIG (the file), FAIL_TOO_LARGE.
 */
int source_expand(const struct source_file *s, const char *ref, struct command_words *out,
		  char *pick, struct failure *f);

/* The absolute path of one that begins with / or ~/.  0, or -1 with FAIL_BAD_VALUE. */
int source_file_path(const char *path, char out[PATH_SIZE], struct failure *f);

#endif
