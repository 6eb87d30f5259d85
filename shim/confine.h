/*
 * shim/confine.h - what the programs of a session cannot do to others: signal, trace and
 * look into processes outside, type into the terminal, take descriptors, limits and keys
 * that are not theirs, gain privileges.  docs/CONFINEMENT.md says what that costs.
 */
#ifndef SHIM_CONFINE_H
#define SHIM_CONFINE_H

#include <stdbool.h>
#include "wire/policy.h"

struct failure;

struct confinement {
	bool filter; /* seccomp, and no new privileges */
	bool scope;  /* Landlock's, and no new privileges */
	bool off;    /* the policy says so */
};

/*
 * What the kernel offers of what the policy wants, without entering it.  0; or -1 with
 * FAIL_POLICY: a part of CONFINE_ON is missing.
 */
int confine_plan(enum confine want, struct confinement *out, struct failure *f);

/* Is anything of it there? */
bool confine_any(const struct confinement *c);

/* The start line's words: "confined", "confined in part", "not confined". */
const char *confine_word(const struct confinement *c);

/* For people: what holds, and what stays open. */
const char *confine_text(const struct confinement *c);

/* Enter it: what this process starts from now on is in it, too.  0 or -1. */
int confine_enter(const struct confinement *c, struct failure *f);

#endif
