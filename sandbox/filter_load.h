/*
 * sandbox/filter_load.h - entering a seccomp filter that was compiled before.
 */
#ifndef SANDBOX_FILTER_LOAD_H
#define SANDBOX_FILTER_LOAD_H

#include <stdbool.h>
#include "sandbox/session_filter.h"

/* Does the kernel have such filters? */
bool filter_supported(void);

/*
 * Enter it, for ever and with whatever is started.  The process must have set
 * PR_SET_NO_NEW_PRIVS.  0, or -1 with errno.
 */
int filter_load(const struct filter_program *program);

#endif
