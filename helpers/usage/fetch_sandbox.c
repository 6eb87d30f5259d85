/*
 * helpers/usage/fetch_sandbox.c - the sandbox of the process that reads untrusted bytes.
 */
#include "helpers/usage/fetch_sandbox.h"

#include <sys/resource.h>

#include "base/proc.h"
#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"
#include "sandbox/network_files.h"

#define CPU_SECONDS 10

int fetch_sandbox_enter(void)
{
	const struct landlock_rules rules = {
		.readable = network_files,
		.readable_count = network_files_count,
	};
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS }, nothing = { 0, 0 };

	/* The mark: an attacker who takes over this process can connect to the broker,
	 * which gives nothing to a process of a session. */
	if (proc_mark_self() != 0 || setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    setrlimit(RLIMIT_FSIZE, &nothing) != 0)
		return -1;
	return cage_enter(&rules, DENY_EXEC | DENY_SIGNALS, NULL);
}
