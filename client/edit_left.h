/*
 * client/edit_left.h - what an edit that was broken off (killed, a terminal that was closed) left
 * beside a provider's file: the copy that its editor worked on.
 */
#ifndef CLIENT_EDIT_LEFT_H
#define CLIENT_EDIT_LEFT_H

#include <stddef.h>
#include "base/paths.h"

struct failure;

/* Where this process's edit of the file at path has its copy.  base: the n bytes with which it
 * begins.  0 or -1. */
int edit_copy_name(const char *path, const char *base, size_t n, char out[PATH_SIZE],
		   struct failure *f);

/*
 * Look for copies of the file at path whose edits are over.  One that has the text of base is
 * removed: nothing was written into it, or that was saved.  Of each other one it is said where it
 * is.  On a terminal the person is asked whether to go on with it, if its edit began with base as
 * well (else it lacks what was changed since): it then has the name `copy`, which edit_copy_name
 * made.  EDIT_LEFT_FAILED: with f.
 */
enum edit_left { EDIT_LEFT_FAILED = -1, EDIT_LEFT_NONE, EDIT_LEFT_TAKEN };
enum edit_left edit_left_take(const char *path, const char *base, size_t n, const char *copy,
			      struct failure *f);

#endif
