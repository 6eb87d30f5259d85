/*
 * relay/errand.h - one request of the broker's own, for numbers of a quota: a GET of a path
 * that the broker names, with one of the session's keys, to the session's provider.
 *
 * The key does not leave the relay for it, and is cut out of the answer.  There is one
 * at a time, and only while the relay has the key; it is over within some seconds.
 */
#ifndef RELAY_ERRAND_H
#define RELAY_ERRAND_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "relay/answer_flow.h"
#include "relay/buffer.h"

struct channel_message;
struct key_value;
struct relay;
struct upstream;

/* Zeroed, there is none. */
struct errand {
	bool under_way;
	bool connected;
	uint64_t id;
	int64_t deadline;
	unsigned long retry;	/* seconds, of the answer's Retry-After; 0: none */
	struct key_value *held; /* with which the request is sent */
	struct upstream *up;
	struct buffer request; /* locked memory: the key is in it */
	struct answer_flow answer;
	struct buffer body; /* of the answer, without the key */
};

/* Begin the one that m, a CHANNEL_FETCH, names; or tell the broker at once why not. */
void errand_begin(struct errand *e, struct relay *r, const struct channel_message *m);

/* What it waits for: a descriptor, or -1; shortens *timeout (-1: for ever). */
void errand_poll(const struct errand *e, struct pollfd *fd, int *timeout);

/* Go on, after poll(2) has filled fd. */
void errand_run(struct errand *e, struct relay *r, const struct pollfd *fd);

/* The key was wiped: what holds a part of it goes, and the broker is told. */
void errand_wipe(struct errand *e, struct relay *r);

/* Wipe and close all of it, without a word. */
void errand_end(struct errand *e, struct relay *r);

#endif
