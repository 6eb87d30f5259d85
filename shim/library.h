/*
 * shim/library.h - which libccrun.so is preloaded.
 */
#ifndef SHIM_LIBRARY_H
#define SHIM_LIBRARY_H

#include <stdbool.h>
#include "base/paths.h"

struct failure;

struct library {
	char path[PATH_SIZE]; /* what LD_PRELOAD says */
	int fd;		      /* of a sealed copy, whose place is path; or -1: root's own file */
	char note[256];	      /* why it is preloaded from a file that others than root can change;
			       * or "" */
};

/*
 * Find this installation's library.  One that root alone can change is preloaded by its
 * path.  Of another a sealed copy is: a program of the session has your uid, and could write
 * into the library's file, which its process has mapped.  0; or -1: it cannot be found, or
 * others than its user and root can change it.
 */
int library_find(struct library *l, struct failure *f);

#endif
