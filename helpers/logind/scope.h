/*
 * helpers/logind/scope.h - out of the log-in session that this program was started in.
 */
#ifndef HELPERS_LOGIND_SCOPE_H
#define HELPERS_LOGIND_SCOPE_H

#include <sys/types.h>

/*
 * What ccctl or ccrun starts is in the cgroup of their log-in session.  Logind does not
 * remove a session while a process is in it: after the log-out it would be "closing",
 * and the user's manager with an unlocked keyring would live as long as the broker.
 * So ask the user's manager to take into a scope of its own, as far as they are in a
 * session: this process, the broker (its pid; 0: it is not the user's own) and what the
 * broker started.  The scope ends with the manager: after the last log-out, or with
 * lingering not at all.  A failure is printed; where the user has no bus, and so no
 * manager, everything stays where it is.
 */
void scope_leave_session(pid_t broker);

#endif
