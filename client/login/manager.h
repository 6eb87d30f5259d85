/*
 * client/login/manager.h - systemd's user manager, through systemctl.
 */
#ifndef CLIENT_MANAGER_H
#define CLIENT_MANAGER_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

#define MANAGER_LIMIT_MS 20000 /* a call; ccrun-unlock.service has 15 s */

/*
 * Does a user manager run here?  Asked by its socket; XDG_RUNTIME_DIR is set
 * for systemctl where only /run/user/UID tells.
 */
bool manager_here(void);

/*
 * Run `systemctl --user WORDS`; words: ends with NULL.  Never a shell, nothing
 * on its standard input.  out, size: what it prints, NUL-terminated; NULL: it
 * goes to standard error.  Returns 0; -1 when it cannot be run, says no or
 * takes too long (it is killed then).
 */
int manager_call(const char *const words[], char *out, size_t size, struct failure *f);

/* What the manager knows of a unit; empty where it knows none. */
struct manager_unit {
	char enabled[32]; /* UnitFileState: enabled, disabled, static, ... */
	char active[32];  /* ActiveState: active, inactive, failed, ... */
};

/* Ask about n units at once, in the order of names.  0 or -1. */
int manager_ask(const char *const names[], unsigned n, struct manager_unit out[], struct failure *f);

#endif
