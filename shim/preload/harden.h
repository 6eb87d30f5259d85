/*
 * harden.h - what makes this process unreadable for others of the same user.
 */
#ifndef SHIM_PRELOAD_HARDEN_H
#define SHIM_PRELOAD_HARDEN_H

struct refusal;

/*
 * Make this process undumpable, forbid it core dumps, verify both, and keep the
 * session's descriptor fd from programs that it executes.  0, or -1 with why.
 */
int process_harden(int fd, struct refusal *why);

#endif
