/*
 * sandbox/filter_load.c - the system call, for programs without libseccomp.
 */
#include "sandbox/filter_load.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/seccomp.h, which musl does not have. */
#define SET_MODE_FILTER 1u
#define GET_ACTION_AVAIL 2u
#define FLAG_SPEC_ALLOW (1ul << 2)
#define RETURN_ERRNO 0x00050000u

bool filter_supported(void)
{
	const uint32_t action = RETURN_ERRNO;

	return syscall(SYS_seccomp, GET_ACTION_AVAIL, 0, &action) == 0;
}

int filter_load(const struct filter_program *program)
{
	/* Before Linux 5.16 a filter turns on what slows every program down to keep one from
	 * reading its own memory by speculation.  That is no business of this one. */
	if (syscall(SYS_seccomp, SET_MODE_FILTER, FLAG_SPEC_ALLOW, program) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	return syscall(SYS_seccomp, SET_MODE_FILTER, 0, program) == 0 ? 0 : -1;
}
