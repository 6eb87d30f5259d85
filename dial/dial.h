/*
 * dial/dial.h - reaching the broker: find its socket, start it when nobody
 * serves, check that it is the real one, call it.
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
	DIAL_ANY,  /* the system's when it has a vault of ours, else our own; while it
		    * does not serve: our own where we have a vault, else FAIL_NO_BROKER */
	DIAL_USER, /* our own */
	DIAL_SYSTEM
};

struct dial {
	int fd;
	bool system;	   /* it is the system's */
	uid_t owner;	   /* who must answer */
	pid_t broker; /* who answered, once checked; else 0 */
	int64_t deadline;  /* of all that is done (io_now_ms), or 0: the usual patience */
	int64_t connected; /* io_now_ms() before connect: the broker is older */
	bool young;	   /* who answered is younger, which may be why it was started */
	bool refused;	   /* the last call: the broker itself said no */
	char path[4096];
	/* the last reply; the buffer is the caller's (locked where a reply may
	 * carry a secret) */
	void *buf;
	size_t size;
	size_t used; /* of buf, at most; what dial_close wipes */
	struct wire_in in;
};

/*
 * Connect.  start: start a broker of our own when nobody serves (never from a
 * marked process).  buf, size: where replies go, at least WIRE_PACKET_MAX bytes.
 * Returns 0; -1 with FAIL_NO_BROKER, FAIL_UNSAFE_PATH, FAIL_PEER, ...
 */
int dial_open(struct dial *d, bool start, void *buf, size_t size, struct failure *f);

/* The same for one of them; DIAL_SYSTEM is never started by a client. */
int dial_open_at(struct dial *d, enum dial_where where, bool start, void *buf, size_t size,
		 struct failure *f);

/*
 * As dial_open without start, with a total deadline: this and every call after it
 * end within ms milliseconds in all.
 */
int dial_open_within(struct dial *d, int ms, void *buf, size_t size, struct failure *f);

/* Is there one on this machine that nobody answers for? */
bool dial_system_down(void);

/*
 * Send a request (freed in every case; NULL is out of memory) and wait for the
 * answer.  The first answer is checked: sent by a process of our uid (of
 * the system broker's: whom root gave its directory) that is unmarked and undumpable (FAIL_PEER otherwise).  fd (may be NULL) receives a
 * passed descriptor or -1.  On success the reply is d->in.top, valid until the
 * next call; on {ok:false} returns -1 with the broker's error in f.
 *
 * A request that carries a secret must not be the first: call dial_hello
 * before, so that the broker is known.
 */
int dial_call(struct dial *d, struct wire_out *request, int *fd, struct failure *f);

/* {op: hello}: checks the broker before a secret is sent. */
int dial_hello(struct dial *d, struct failure *f);

/* Close, wipe the buffer.  Safe on a zeroed struct with fd -1. */
void dial_close(struct dial *d);

#endif
