/*
 * shim/target.h - the program that ccrun executes, and whether the library can
 * be preloaded into it.
 */
#ifndef SHIM_TARGET_H
#define SHIM_TARGET_H

#include <stdbool.h>
#include "base/paths.h"
#include "shim/library.h"
#include "wire/image.h"

struct failure;

struct target {
	char path[PATH_SIZE]; /* what will be executed */
	bool preloadable;
	struct library library; /* where it is preloadable */
	char why_not[256];	/* "/usr/bin/x is statically linked" */
	char broken[256];	/* why it cannot run: "is empty"; or "" */
	bool claude;		/* it is called so: what it supports can be tried */
	const char *asks; /* it is ccrun-ask, made for a relay, and this is what for; or NULL */
	/* What it is.  identity is of the program and all its interpreters; name is "" where
	 * it was given as a path. */
	struct image image;
	char interpreter[PATH_SIZE]; /* the last one, or "" */
	char not_roots[256];	     /* why others than root can change it or the library; or "" */
};

/*
 * Find program: a path when it has a slash, else a name searched in PATH without
 * its relative directories and without ccrun itself.  Determine whether the library
 * can be preloaded into it, or into the interpreter that its "#!" line names.
 * 0; or -1 with the exit status in *code: 127 when it is not there, 126 when it
 * cannot be executed.
 */
int target_find(struct target *t, const char *program, int *code, struct failure *f);

/* The same for ccrun-ask, which asks the provider's server: its first word. */
int target_find_asking(struct target *t, const char *what, int *code, struct failure *f);

/* Is it what was found then, still?  A person may have been asked meanwhile.  0 or -1. */
int target_check_same(const struct target *t, struct failure *f);

/* Open the files that its digest is of.  Their number (out[0] the program, then its
 * interpreter), or -1. */
int target_open(const struct target *t, int out[2], struct failure *f);

#endif
