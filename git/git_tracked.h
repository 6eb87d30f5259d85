/*
 * git/git_tracked.h - is a file in a repository's index, and so in its history or about to be?
 */
#ifndef GIT_GIT_TRACKED_H
#define GIT_GIT_TRACKED_H

/*
 * path is absolute; links are followed, as where a dotfile leads into a repository.  budget_ms:
 * how long that may take.  top (GIT_PATH bytes): the work tree, where it is.  1, 0, or -1: it
 * cannot be told.
 */
int git_tracked(const char *path, int budget_ms, char *top);

#endif
