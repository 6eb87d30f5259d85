/*
 * base/roots.h - what root alone can change.
 */
#ifndef BASE_ROOTS_H
#define BASE_ROOTS_H

#include <sys/types.h>

struct failure;

/*
 * Can nobody but root change what this absolute path leads to: the file or directory
 * itself, and every directory and symbolic link on the way, those behind links too?  All
 * belong to root, and no group and nobody else can write them.  0; or -1 with
 * FAIL_UNSAFE_PATH, which names the first one of which that is not true.
 */
int path_check_roots(const char *path, struct failure *f);

/*
 * The same for root and this process's user: it may belong to that one, too, and this group may
 * write it, in which nobody else is; (gid_t)-1: there is none.  In a directory with the sticky bit
 * others may make files, but not replace these.  The hint says how that which is named is mended.
 */
int path_check_own_or_roots(const char *path, gid_t own_group, struct failure *f);

#endif
