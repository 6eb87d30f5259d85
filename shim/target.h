/*
 * shim/target.h - the program that ccrun executes, and whether the library can
 * be preloaded into it.
 */
#ifndef SHIM_TARGET_H
#define SHIM_TARGET_H

#include <stdbool.h>
#include "base/paths.h"
#include "config/client/tried.h"
#include "shim/library.h"

struct failure;

struct target {
	char path[PATH_SIZE]; /* what will be executed */
	bool preloadable;
	struct library library; /* where it is preloadable */
	char why_not[256];	/* "/usr/bin/x is statically linked" */
	bool claude;		/* it goes by that name: what it supports can be tried */
	/* Which files these are, the program's and its interpreters': device, inode, size
	 * and time of change of each. */
	char identity[TRIED_IDENTITY_MAX + 1];
};

/*
 * Find program: a path when it has a slash, else a name searched in PATH without
 * its relative directories and without ccrun itself.  Determine whether the library
 * can be preloaded into it, or into the interpreter that its "#!" line names.
 * 0; or -1 with the exit status in *code: 127 when it is not there, 126 when it
 * cannot be executed.
 */
int target_find(struct target *t, const char *program, int *code, struct failure *f);

#endif
