/*
 * refusal.h - why a claim failed, and the one message that the library prints.
 */
#ifndef SHIM_PRELOAD_REFUSAL_H
#define SHIM_PRELOAD_REFUSAL_H

struct refusal {
	char text[512];
	char hint[512]; /* "" for none */
};

/* Set both texts (hint may be NULL; what is longer is cut).  Returns -1. */
int refusal_set(struct refusal *why, const char *text, const char *hint);

/* "ccrun: claim refused: ..." on standard error, then _exit(125). */
_Noreturn void refusal_exit(const struct refusal *why);

#endif
