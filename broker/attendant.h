/*
 * broker/attendant.h - a process beside the broker that does what its sandbox forbids.
 *
 * It is forked before the broker has a secret, has one end of a SOCK_SEQPACKET pair as
 * descriptor 3 and no other, and ends with the broker.  If a signal ends it, its parent,
 * which only waits, starts it again on the same descriptor.
 */
#ifndef BROKER_ATTENDANT_H
#define BROKER_ATTENDANT_H

struct failure;

#define ATTENDANT_FD 3

struct attendant {
	const char *name; /* of the processes, 15 bytes */
	/* In the parent: restrict it and what it forks.  NULL, or 0 or -1. */
	int (*enter)(void *data);
	/* Serve ATTENDANT_FD until that ends, and return; or _exit with another status than 0
	 * if it cannot: then it is not started again. */
	void (*serve)(void *data);
	void *data;
	int keep; /* one more descriptor that stays open, as ATTENDANT_FD + 1; or -1 */
};

/* Fork it.  Returns the broker's end of the pair, close-on-exec; or -1 with f set. */
int attendant_start(const struct attendant *a, struct failure *f);

#endif
