/*
 * client/statusline/command.h - the command of a status line, which Claude Code runs
 * with a shell.
 */
#ifndef CLIENT_STATUSLINE_COMMAND_H
#define CLIENT_STATUSLINE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include "base/paths.h"

struct failure;
struct json_t;

/*
 * Does this command run a ccrun-statusline, of any installation?  *word: the length of
 * its first word as written (with its quotes); options follow.
 */
bool command_is_ours(const char *command, size_t *word);

/* Path (PATH_SIZE bytes) of this installation's ccrun-statusline, which must be executable.
 * 0 or -1. */
int command_program(char *path, struct failure *f);

/* The value of statusLine that runs program; the caller owns it.  NULL with f set. */
struct json_t *command_value(const char *program, struct failure *f);

#endif
