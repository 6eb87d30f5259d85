/*
 * import/shell_scope.h - the scopes that a shell file's assignments stand in.
 */
#ifndef IMPORT_SHELL_SCOPE_H
#define IMPORT_SHELL_SCOPE_H

#include "import/shell_parser.h"

/*
 * Begin a scope below the current one.  branch: what it assigns is not for what comes
 * after it.  mode "" is that of the scope around.  Returns 0 or -1.
 */
int shell_scope_enter(struct shell *s, bool branch, const char *mode);

/* Go back to a scope. */
void shell_scope_leave(struct shell *s, unsigned scope);

/* The line number of an offset. */
unsigned shell_line(const struct shell *s, size_t at);

#endif
