/*
 * base/mark.h - what to say to a marked process (base/proc.h) that is refused.
 *
 * Any process of the same user can lower another's RLIMIT_LOCKS (prlimit(2)), and a limits.conf
 * or a service's LimitLOCKS can.  Who was marked so is refused like all that bear the mark, and
 * has to be told something else than "leave the session".
 */
#ifndef BASE_MARK_H
#define BASE_MARK_H

#include <stdbool.h>
#include <sys/types.h>

struct failure;

/*
 * Does the init process of this PID namespace bear the mark?  Then the namespace was made inside
 * a session, as bubblewrap does, and that session cannot be seen from here.
 */
bool mark_is_of_namespace(void);

/*
 * Is a session seen above that marked process: an ancestor that is marked and undumpable, as
 * what ccrun starts makes itself, or one (or itself) that is_session (NULL: none) says it of, or
 * mark_is_of_namespace?
 * What cannot be read counts as one.
 */
bool mark_is_inside(pid_t pid, bool (*is_session)(const void *arg, pid_t pid), const void *arg);

/*
 * FAIL_MARKED, in the words for that process: is the mark one that ccrun sets, and is
 * a session seen (inside)?  Returns -1.
 */
int mark_refuse(pid_t pid, bool inside, struct failure *f);

#endif
