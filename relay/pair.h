/*
 * relay/pair.h - one connection of the client with one connection to the provider, which
 * is its own: so the client meets the provider's limits, time-outs and hang-ups as if it
 * were connected itself.
 */
#ifndef RELAY_PAIR_H
#define RELAY_PAIR_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "relay/channel.h"
#include "relay/key.h"
#include "relay/sender.h"

struct arena;
struct pair;
struct relay_settings;
struct request_route;
struct upstreams;

#define PAIRS_MAX 64

/* What all pairs share. */
struct relay {
	const struct relay_settings *settings;
	const struct request_route *routes;
	size_t route_count;
	struct sender sender;
	struct channel channel;
	struct upstreams *upstreams;
	struct arena *arena;
	struct key key;
	int64_t key_until; /* when the key is to be asked for again (clock_now_ms), or 0 */
	bool asked;	   /* for the key, and no answer has come yet */
	bool refused;	   /* by the provider, and the broker was told */
	bool limited;	   /* what costs money is announced first */
	bool ended;	   /* no key will come any more */
	bool hung_up;	   /* the channel could not be written to */
	bool orphaned;	   /* the broker has ended */
	struct failure why_ended;
	uint64_t last_id;
	struct pair *pairs[PAIRS_MAX];
	size_t pair_count, most_pairs;
};

/* Accept a connection on the listener; NULL: there is none now. */
struct pair *pair_accept(struct relay *r);

/* What it waits for: two descriptors, or -1; shortens *timeout (-1: for ever). */
void pair_poll(struct pair *p, struct pollfd fds[2], int *timeout);

/* Go on, after poll(2) has filled fds. */
void pair_run(struct pair *p, const struct pollfd fds[2]);

/* Has it ended?  Then it is to be freed. */
bool pair_is_over(const struct pair *p);

/* Wipe, close and free it.  What it used is reported. */
void pair_free(struct pair *p);

/* The key has come: go on, if it was waited for. */
void pair_take_key(struct pair *p);

/*
 * It has not.  Who waited for a renewed one goes on with the refusal of the old one, or,
 * where the old one is there still, with that; else the client is told.  code decides how.
 */
void pair_refuse_key(struct pair *p, const struct failure *why);

/* The broker's answer to the reservation m->id: go on, or tell the client.  False: it is
 * not p that waits for it. */
bool pair_take_reservation(struct pair *p, const struct channel_message *m);

/*
 * The key was wiped.  What holds a part of it goes, and the provider's connection, and
 * the client's if it is in a request; the client tries again.
 */
void pair_wipe(struct pair *p);

#endif
