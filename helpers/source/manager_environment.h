/*
 * helpers/source/manager_environment.h - the environment that a password manager gets: this process's,
 * but for what would have it do or say something else.
 */
#ifndef HELPERS_SOURCE_MANAGER_ENVIRONMENT_H
#define HELPERS_SOURCE_MANAGER_ENVIRONMENT_H

#include <stdbool.h>

/*
 * Does a manager not get this "NAME=value"?  Variables that make programs load code, and those that
 * hold the client's own credentials or addresses.
 */
bool manager_drops_variable(const char *entry);

/* Name the terminal on which gpg-agent's pinentry asks, or none. */
void manager_environment_set_terminal(bool terminal);

/*
 * The directory that a person starts ccrun in is a repository's, or a session's to write: nothing is
 * looked for there, neither by the manager nor by what it starts.  0, or -1 with errno.
 */
int manager_environment_leave_directory(void);

#endif
