/*
 * client/facts/kernel_facts.c - what the kernel does between programs of one user.
 */
#include "client/facts/kernel_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sock.h"
#include "client/facts/machine_text.h"
#include "json/output.h"
#include "sandbox/filter_load.h"
#include "sandbox/landlock.h"

/* The number in a file of /proc/sys; none: there is no such file. */
static int setting_read(const char *path, int none)
{
	char text[64];

	return machine_text_read(path, text, sizeof(text)) ? (int)strtol(text, NULL, 10) : none;
}

/* Asked of a connection to ourselves. */
static bool peer_is_exact(void)
{
	bool exact = false;
	int pair[2], fd;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	fd = sock_peer_pidfd(pair[0], getpid(), &exact);
	close(pair[0]);
	close(pair[1]);
	if (fd < 0)
		return false;
	close(fd);
	return exact;
}

void kernel_facts_read(struct kernel_facts *k)
{
	int abi = landlock_abi();

	k->yama = setting_read("/proc/sys/kernel/yama/ptrace_scope", -1);
	k->landlock = abi < 0 ? 0 : abi;
	k->seccomp = filter_supported();
	k->types = setting_read("/proc/sys/dev/tty/legacy_tiocsti", 1) != 0;
	k->peer_pidfd = peer_is_exact();
}

static void print_yama(const struct kernel_facts *k)
{
	if (k->yama < 0)
		printf("%-15s%s\n", "yama", "none: your programs can look into each other");
	else
		printf("%-15s%d: %s\n", "yama", k->yama,
		       k->yama ? "your programs cannot look into each other, but for environments"
			       : "your programs can look into each other");
}

static void print_landlock(const struct kernel_facts *k)
{
	char version[24] = "none";

	if (k->landlock)
		snprintf(version, sizeof(version), "version %d", k->landlock);
	printf("%-15s%s: %s\n", "landlock", version,
	       k->landlock >= LANDLOCK_ABI_SCOPE
		       ? "a confined session neither signals nor looks into your other programs"
	       : k->yama > 0 ? "a session can signal your other programs (Linux 6.12 closes that)"
			     : "a session can signal your other programs, and look into them "
			       "(Linux 6.12 closes that)");
}

void kernel_facts_print(const struct kernel_facts *k)
{
	print_yama(k);
	print_landlock(k);
	printf("%-15s%s\n", "typing",
	       !k->types    ? "the kernel lets no program type into its terminal"
	       : k->seccomp ? "programs can type into their terminal, those of a confined session "
			      "cannot (TIOCSTI)"
			    : "programs can type into their terminal, a session's too (TIOCSTI)");
	printf("%-15s%s\n", "peers",
	       k->peer_pidfd ? "known exactly (pidfd)"
			     : "known by number and start time (before Linux 6.5)");
}

void kernel_facts_json(const struct kernel_facts *k, struct json_t *o)
{
	if (k->yama < 0)
		js_null(o, "yama_ptrace_scope");
	else
		js_number(o, "yama_ptrace_scope", (uint64_t)k->yama);
	js_number(o, "landlock_abi", (uint64_t)k->landlock);
	js_bool(o, "seccomp", k->seccomp);
	js_bool(o, "legacy_tiocsti", k->types);
	js_bool(o, "peer_pidfd", k->peer_pidfd);
}
