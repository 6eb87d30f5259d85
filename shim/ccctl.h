/*
 * shim/ccctl.h - running ccctl for what a session lacks: a vault, a key, an answer.
 */
#ifndef SHIM_CCCTL_H
#define SHIM_CCCTL_H

#include <sys/types.h>

struct failure;
struct provider;

/*
 * Run "ccctl VERB [WORD]" (word may be NULL) on the terminal and wait for its end.
 * Its output goes to standard error: standard output is claude's.  0 when it
 * succeeded, or -1.
 */
int ccctl_run(const char *verb, const char *word, struct failure *f);

/* The same for "ccctl add NAME[:MODE]": a person enters p's key or parameters, but for its
 * parameter `model` where that is given. */
int ccctl_add(const struct provider *p, const char *model, struct failure *f);

/* Start "ccctl confirm --ask LAUNCH" on the terminal, if nobody else asks there now.  Its pid,
 * or -1. */
pid_t ccctl_confirm(const char *id, struct failure *f);

/*
 * Have ccctl compute the digest (64 hexadecimal digits) of the n files that are open as fds,
 * one behind the other.  With was it asks, on the terminal, whether what is described as
 * `is` may have the key now.  0; or -1: FAIL_DECLINED for a no.
 */
int ccctl_digest(const int fds[2], int n, const char *was, const char *is, char out[65],
		 struct failure *f);

/* Have ccctl unlock the vault by what needs no person (the TPM, ...).  0 or -1. */
int ccctl_unlock_unattended(void);

/* Where no person can be asked: hint in f at the command that mends its code. */
void ccctl_hint(struct failure *f, const struct provider *p);

#endif
