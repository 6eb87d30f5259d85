/*
 * client/statusline/remove.h - ccctl statusline remove.
 */
#ifndef CLIENT_STATUSLINE_REMOVE_H
#define CLIENT_STATUSLINE_REMOVE_H

struct failure;
struct statusline_change;

/*
 * Take ccrun-statusline out of Claude Code's settings, and put the status line back
 * that it replaced.  FAIL_POLICY when the status line is another program's.
 * c: zeroed but for yes; the caller frees it.  The exit code or -1.
 */
int statusline_remove(struct statusline_change *c, struct failure *f);

#endif
