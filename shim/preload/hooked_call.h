/*
 * hooked_call.h - a call of exec or posix_spawn that a hook has caught.
 */
#ifndef SHIM_PRELOAD_HOOKED_CALL_H
#define SHIM_PRELOAD_HOOKED_CALL_H

#include <spawn.h>
#include <sys/types.h>
#include "shim/preload/exec_image.h"
#include "shim/preload/libc_functions.h"

enum call_kind {
	CALL_EXEC,   /* execve */
	CALL_SEARCH, /* execvpe: image.path is searched in PATH */
	CALL_AT,     /* execveat, with dirfd and flags */
	CALL_SPAWN   /* spawn, with pid, actions and attr */
};

struct hooked_call {
	enum call_kind kind;
	struct exec_image image; /* keeps_session: decided by hooked_call_run */
	int dirfd, flags;	 /* CALL_AT */
	spawn_fn *spawn;	 /* CALL_SPAWN, with the next three */
	pid_t *pid;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
};

/*
 * Make the call with the secrets taken out of what the child gets; where the
 * session's own process executes another image, announce that to the broker
 * first, so that it may claim again.  Outside of a session: the call as it is.
 * Returns as exec does, -1 with errno; for CALL_SPAWN as posix_spawn does, 0 or
 * the error.
 */
int hooked_call_run(const struct hooked_call *c);

#endif
