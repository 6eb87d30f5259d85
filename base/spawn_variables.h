/*
 * base/spawn_variables.h - the environment with which a program of ours starts another.
 */
#ifndef BASE_SPAWN_VARIABLES_H
#define BASE_SPAWN_VARIABLES_H

/*
 * env as it is.  The test build adds the variables of its own programs, which all of them
 * are to see.  Called between fork and exec, too.
 */
char *const *spawn_variables(char *const *env);

#endif
