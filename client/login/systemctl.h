/*
 * client/login/systemctl.h - systemd's user manager, through systemctl.
 */
#ifndef CLIENT_MANAGER_H
#define CLIENT_MANAGER_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

#define MANAGER_LIMIT_MS 20000 /* for a call; starting ccrun-unlock.service may take 15 s */

/*
 * Does a user manager run here (is its socket there)?  Sets XDG_RUNTIME_DIR, which
 * systemctl needs, if it was not set.
 */
bool manager_here(void);

/*
 * Run `systemctl --user WORDS`, without a shell; words ends with NULL.  Its standard
 * input is /dev/null.  out: NULL, or where its output goes (size bytes, NUL-terminated).
 * 0, or -1: it could not be run, failed, or took over MANAGER_LIMIT_MS and was killed.
 */
int manager_call(const char *const words[], char *out, size_t size, struct failure *f);

/* What the manager knows of a unit; "" for an unknown one. */
struct manager_unit {
	char enabled[32]; /* UnitFileState: enabled, disabled, static, ... */
	char active[32];  /* ActiveState: active, inactive, failed, ... */
};

/* Ask about n units at once, in the order of names.  0 or -1. */
int manager_ask(const char *const names[], unsigned n, struct manager_unit out[],
		struct failure *f);

/* The name of the first of these n units that has failed, or NULL. */
const char *manager_failed(const char *const names[], unsigned n, const struct manager_unit seen[]);

#endif
