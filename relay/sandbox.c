/*
 * relay/sandbox.c - the cage of ccrun-relay.
 */
#include "relay/sandbox.h"

#include <sys/resource.h>

#include "base/fail.h"
#include "base/proc.h"
#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"
#include "sandbox/network_files.h"

int relay_sandbox_enter(const uint16_t *ports, size_t count, struct failure *f)
{
	const struct landlock_rules files = {
		.readable = network_files,
		.readable_count = network_files_count,
		.ports = ports,
		.port_count = count,
		.limit_ports = true,
		.scope_sockets = true,
	};
	const struct rlimit nothing = { 0, 0 };

	if (proc_mark_self() != 0 || setrlimit(RLIMIT_FSIZE, &nothing) != 0 ||
	    setrlimit(RLIMIT_CORE, &nothing) != 0)
		return fail_errno(f, NULL, "cannot restrict this process");
	return cage_enter(&files, DENY_EXEC | DENY_SIGNALS, f);
}
