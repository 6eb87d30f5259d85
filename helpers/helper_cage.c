/*
 * helpers/helper_cage.c - what a helper cannot do.
 */
#include "helpers/helper_cage.h"

#include <stddef.h>

#include "base/fail.h"
#include "base/paths.h"
#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"
#include "sandbox/network_files.h"

#define PATHS 8

int helper_cage_enter(const struct helper_cage *c, struct failure *f)
{
	struct landlock_path paths[PATHS];
	struct landlock_rules files = { .readable = network_files,
					.readable_count = network_files_count,
					.paths = paths,
					.limit_ports = !c->network,
					.signals = c->child };
	char run[PATH_SIZE], lock[PATH_SIZE];
	unsigned deny = DENY_EXEC;
	size_t n = 0;

	paths[n++] = (struct landlock_path){ .path = "/proc", .may = LANDLOCK_READ };
	/* Where sd-login finds the log-in sessions. */
	paths[n++] = (struct landlock_path){ .path = "/run/systemd", .may = LANDLOCK_READ };
	paths[n++] = (struct landlock_path){ .path = "/dev/null",
					     .may = LANDLOCK_READ | LANDLOCK_WRITE };
	if (c->device)
		paths[n++] = (struct landlock_path){ .path = c->device,
						     .may = LANDLOCK_READ | LANDLOCK_WRITE };
	/* Where the user's own broker listens, and which process it is. */
	if (c->broker && path_of(PATH_RUNTIME, NULL, run, NULL) == 0)
		paths[n++] = (struct landlock_path){ .path = run, .may = LANDLOCK_READ };
	if (c->broker && path_of(PATH_DATA, "vault.lock", lock, NULL) == 0)
		paths[n++] = (struct landlock_path){ .path = lock, .may = LANDLOCK_READ };
	files.path_count = n;
	if (!c->network)
		deny |= DENY_NETWORK;
	if (!c->forks && !c->child)
		deny |= DENY_SIGNALS;
	return cage_enter(&files, deny, f);
}
