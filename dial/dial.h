/*
 * dial/dial.h - connecting to a broker: find its socket, start it if necessary,
 * check that it is a broker, send requests.
 */
#ifndef DIAL_DIAL_H
#define DIAL_DIAL_H

#include <stdbool.h>
#include <sys/types.h>
#include "wire/pack.h"
#include "wire/unpack.h"

struct failure;

/* Which broker. */
enum dial_where {
	DIAL_ANY,   /* the system broker if it has a vault of the user's, else the user's own.
		     * While the system broker is down: the user's own if that has a
		     * vault, else FAIL_NO_BROKER */
	DIAL_USER,  /* the user's own */
	DIAL_SYSTEM /* the system broker; clients never start it */
};

struct dial {
	int fd;
	bool system;	    /* it is the system broker */
	uid_t owner;	    /* the uid that the broker must have */
	pid_t broker;	    /* the broker's PID after its first answer was checked; else 0 */
	int64_t deadline;   /* of all calls together, or 0: each has its own */
	int looked_at;	    /* a pidfd of the process that broker_check looked at; 0: none */
	bool start;	    /* the user's own broker is started if none is running */
	bool unanswered;    /* the last call: the broker closed the connection without an answer */
	bool other_version; /* the broker's `hello` had another one than this program's */
	bool refused;	    /* the last call: the broker itself answered with an error */
	char path[4096];
	void *buf; /* the caller's, for replies: locked memory if they may carry a secret */
	size_t size;
	size_t used; /* bytes of buf that were written, at most: dial_close wipes them */
	struct wire_in in;
};

/*
 * Connect to DIAL_ANY.  start: start the user's own broker if none is running (never
 * from a marked process: FAIL_MARKED).  buf, size: for replies, at least
 * WIRE_PACKET_MAX bytes, until dial_close.  Returns 0, or -1 with FAIL_NO_BROKER,
 * FAIL_UNSAFE_PATH, FAIL_PEER, ...; in both cases call dial_close.
 */
int dial_open(struct dial *d, bool start, void *buf, size_t size, struct failure *f);

/* The same for the broker that `where` says. */
int dial_open_at(struct dial *d, enum dial_where where, bool start, void *buf, size_t size,
		 struct failure *f);

/*
 * As dial_open without start, with a total deadline: this and all calls on d
 * together end within ms milliseconds.
 */
int dial_open_within(struct dial *d, int ms, void *buf, size_t size, struct failure *f);

/* Is there a vault in the user's own directory, for a broker of the user's own? */
bool dial_user_vault(void);

/* Is a system broker set up on this machine, but not running? */
bool dial_system_down(void);

/*
 * Send a request and wait for the reply.  The request is freed in every case; NULL
 * means that there was no memory for it.  The process that sends the first reply is
 * checked: it has the uid d->owner, is unmarked and undumpable (else FAIL_PEER).
 * *fd (fd may be NULL) = a passed descriptor, or -1.  Returns 0, and the reply is
 * d->in.top until the next call; or -1, for {ok: false} with the broker's error in f.
 *
 * A request with a secret MUST NOT be the first: call dial_hello before, so that the
 * broker is checked.
 */
int dial_call(struct dial *d, struct wire_out *request, int *fd, struct failure *f);

/* The same with a descriptor of ours beside the request, or -1; it stays the caller's. */
int dial_call_passing(struct dial *d, struct wire_out *request, int pass, int *fd,
		      struct failure *f);

/*
 * As dial_call, without a deadline: the broker answers when something is to be done.
 * watched: a descriptor that ends the wait when it can be read, such as a pidfd.  Returns
 * 1 then, and the connection is of no further use.
 */
int dial_call_watching(struct dial *d, struct wire_out *request, int watched, struct failure *f);

/*
 * The broker closed the connection (FAIL_NO_BROKER, or FAIL_TIMEOUT after the computer
 * slept): connect again, for as long as one may take that restarts.  0; 1: watched could be
 * read; -1: none came, or (FAIL_PEER) another process listens.
 */
int dial_reopen(struct dial *d, int watched, struct failure *f);

/* The request {op: hello}; its reply checks the broker. */
int dial_hello(struct dial *d, struct failure *f);

/* Close, and wipe the buffer.  May be called on a zeroed struct with fd -1, and twice. */
void dial_close(struct dial *d);

#endif
