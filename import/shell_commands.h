/*
 * import/shell_commands.h - the assignments that one command makes.
 */
#ifndef IMPORT_SHELL_COMMANDS_H
#define IMPORT_SHELL_COMMANDS_H

#include "import/shell_parser.h"

/* The words so far are a command: keep what it assigns, begin the next.  0 or -1. */
int shell_command_read(struct shell *s);

#endif
