/*
 * client/statusline/install.h - ccctl statusline install.
 */
#ifndef CLIENT_STATUSLINE_INSTALL_H
#define CLIENT_STATUSLINE_INSTALL_H

struct failure;
struct statusline_change;

/*
 * Put ccrun-statusline into Claude Code's settings, and keep the status line that was
 * there for remove.
 * c: zeroed but for yes; the caller frees it.  The exit code or -1.
 */
int statusline_install(struct statusline_change *c, struct failure *f);

#endif
