/*
 * client/statusline/command.h - whose status line a settings file has, and the
 * words that start ours: a command that the client gives to a shell.
 */
#ifndef CLIENT_STATUSLINE_COMMAND_H
#define CLIENT_STATUSLINE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include "base/paths.h"

struct failure;
struct json_t;

/* path as one word of a shell, quoted when it has to be.  -1: does not fit. */
int command_quote(const char *path, char *out, size_t size);

/*
 * Does this command run ccrun-statusline, whichever installation's?  *word:
 * length of its first word as it is written; what follows are options.
 */
bool command_is_ours(const char *command, size_t *word);

/* The program of this installation (PATH_SIZE bytes): there and executable.  0 or -1. */
int command_program(char *path, struct failure *f);

/* The statusLine that install writes, or NULL with f set. */
struct json_t *command_value(const char *program, struct failure *f);

#endif
