/*
 * session_state.h - what this process knows of the session that it is in.
 */
#ifndef SHIM_PRELOAD_SESSION_STATE_H
#define SHIM_PRELOAD_SESSION_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SECRETS_MAX 8 /* a session has three at most, and headers are in it twice */

/* The variables through which ccrun passes a session on. */
#define SAVED_PREFIX "CCRUN_SAVED_"	       /* + NAME=value: what children get back as NAME */
#define FD_PREFIX "CCRUN_FD="		       /* the connection to the broker */
#define RELAY_PREFIX "CCRUN_RELAY="	       /* instead of it: the place of the relay's socket */
#define SOCKET_PREFIX "ANTHROPIC_UNIX_SOCKET=" /* the same place, for the client */
#define PRELOAD_PREFIX "LD_PRELOAD="
#define LIBRARY_PREFIX PRELOAD_PREFIX "/proc/self/fd/" /* a library without a name */

struct session_secret {
	const char *name; /* of the variable; name_len bytes and a NUL */
	size_t name_len;
	const char *value;
	size_t len;
};

/* All pointers are to memory of the library's own, which stays mapped. */
struct session_state {
	bool active;
	pid_t pid;    /* the session's own process; everything else is a child */
	bool relayed; /* a relay uses the secrets: there are none in this process */
	int fd;	      /* connection to the broker, or the place of the relay's socket, or -1 */
	dev_t dev;    /* what fd was, should the program close and reuse it */
	ino_t ino;
	const char *preload; /* "LD_PRELOAD=<this library>", or NULL */
	int library;	     /* the descriptor of a library without a name, which preload names;
			      * else -1 */
	dev_t library_dev;   /* what it was */
	ino_t library_ino;
	const char *ticket; /* "CCRUN_FD=<fd>" or "CCRUN_RELAY=<fd>", or NULL */
	const char **saved; /* "CCRUN_SAVED_NAME=value" */
	size_t saved_count;
	struct session_secret secret[SECRETS_MAX];
	size_t secrets;
};

/* Written by the constructor, before main and before any thread; then only read. */
extern struct session_state session;

/* Is session.fd (still) what it was at the start? */
bool session_connected(void);

/* Can this library be loaded into another image: is session.library what it was? */
bool session_has_library(void);

#endif
