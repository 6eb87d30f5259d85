/*
 * helpers/usage/fetch_sandbox.c - the sandbox of the process that reads untrusted bytes.
 */
#include "helpers/usage/fetch_sandbox.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/landlock.h"
#include "base/proc.h"

#define CPU_SECONDS 10

/* The system's directories, and where its certificates and resolv.conf may link to. */
static const char *const readable[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib64",
	"/var/lib/ca-certificates",
	"/nix/store",
	"/gnu/store",
	"/dev/null",
	"/dev/urandom",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/ssl/certs/ca-certificates.crt",
};

int fetch_sandbox_enter(void)
{
	const struct landlock_rules rules = {
		.readable = readable,
		.readable_count = sizeof(readable) / sizeof(readable[0]),
	};
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS }, nothing = { 0, 0 };

	/* The mark: an attacker who takes over this process can connect to the broker,
	 * which gives nothing to a process of a session. */
	if (proc_mark_self() != 0 || setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    setrlimit(RLIMIT_FSIZE, &nothing) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return landlock_restrict(&rules);
}
