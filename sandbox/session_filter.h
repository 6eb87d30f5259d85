/*
 * sandbox/session_filter.h - the system calls that no program of a session may make, as the
 * kernel takes them.  sandbox/generate has the list, and writes session_filter.c when ccrun
 * is built: libseccomp would need longer for it than the rest of a launch takes.
 */
#ifndef SANDBOX_SESSION_FILTER_H
#define SANDBOX_SESSION_FILTER_H

#include <stdint.h>

/* struct sock_filter and sock_fprog of linux/filter.h, which musl does not have. */
struct filter_instruction {
	uint16_t code;
	uint8_t jump_true, jump_false;
	uint32_t k;
};

struct filter_program {
	unsigned short count;
	const struct filter_instruction *instructions;
};

/* It refuses with EPERM; what it does not name is allowed. */
extern const struct filter_program session_filter;

#endif
