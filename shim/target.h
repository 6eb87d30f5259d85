/*
 * shim/target.h - the program that a session becomes, and whether the library
 * can be preloaded into it.
 */
#ifndef SHIM_TARGET_H
#define SHIM_TARGET_H

#include <stdbool.h>
#include "base/paths.h"

struct failure;

struct target {
	char path[PATH_SIZE];	 /* what will be executed */
	char library[PATH_SIZE]; /* libccrun.so */
	bool preloadable;
	char why_not[256];	 /* "it is statically linked" */
};

/*
 * Find `program` (a path when it has a slash, else in PATH, relative PATH
 * entries and ccrun itself skipped) and look at it.  *code becomes 127 when it
 * is not there, 126 when it is there and cannot be executed.
 */
int target_find(struct target *t, const char *program, int *code, struct failure *f);

#endif
