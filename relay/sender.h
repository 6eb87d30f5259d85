/*
 * relay/sender.h - reading from a client's connection, and only what the session's own
 * process has written.
 */
#ifndef RELAY_SENDER_H
#define RELAY_SENDER_H

#include <stddef.h>
#include <sys/types.h>

struct sender {
	pid_t pid;
	uid_t uid;
	int pidfd; /* of that process: its number may be another's once it has ended */
};

/*
 * As recv(2) without waiting, of a socket with SO_PASSCRED.  What comes with it is
 * closed.  -1 with EPERM when another process has written it: then nothing of it is used.
 */
ssize_t sender_recv(const struct sender *who, int fd, void *p, size_t n);

#endif
