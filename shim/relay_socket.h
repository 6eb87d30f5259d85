/*
 * shim/relay_socket.h - the socket at which a relay answers a client.
 */
#ifndef SHIM_RELAY_SOCKET_H
#define SHIM_RELAY_SOCKET_H

struct failure;

/*
 * It has no name: it is removed as soon as it is there, and the client reaches it as
 * /proc/self/fd/PLACE.  Both descriptors are close-on-exec.
 */
struct relay_socket {
	int listener; /* listens, non-blocking; accepted connections tell the sender of
		       * every read (SO_PASSCRED) */
	int place;    /* where it was (O_PATH) */
};

/* Make one in the runtime directory.  0, or -1 and both are -1. */
int relay_socket_open(struct relay_socket *s, struct failure *f);
void relay_socket_close(struct relay_socket *s);

#endif
