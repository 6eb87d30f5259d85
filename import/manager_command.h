/*
 * import/manager_command.h - a command substitution that asks a password manager.
 */
#ifndef IMPORT_MANAGER_COMMAND_H
#define IMPORT_MANAGER_COMMAND_H

#include "import/shell_word.h"

/*
 * What the command w->text[at..end) prints, as far as that is known without running
 * it: v->kind becomes VALUE_LITERAL (echo), VALUE_SOURCE (out is the manager's
 * reference), VALUE_FILE (out is the path; both NUL-terminated), or VALUE_DYNAMIC.
 * out has `room` bytes.
 */
void manager_command_value(const struct shell_text *w, size_t at, size_t end, char *out,
			   size_t room, struct value *v);

#endif
