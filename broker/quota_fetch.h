/*
 * broker/quota_fetch.h - quota numbers with a key that a relay alone uses: the relay of a
 * session asks the provider, and the worker gets the answer's bytes, without the key.
 *
 * MUST: what is asked is a kind's fixed path, at the host that is sealed with the key, and
 * nothing that the worker says beside the kind's name.
 */
#ifndef BROKER_QUOTA_FETCH_H
#define BROKER_QUOTA_FETCH_H

#include <stdbool.h>

#include "wire/unpack.h"

struct connection;
struct relay;
struct usage_place;
struct wire_out;

/* A live relay of c's tenant that has the value of the entry, and is free; or NULL. */
struct relay *quota_fetch_find_relay(const struct connection *c, const char *entry);

/*
 * Have r ask at place, for the worker c, which is answered by quota_fetch_serve.  A relay
 * that cannot be told is cut, and the worker told so.
 */
void quota_fetch_start(struct connection *c, struct relay *r, const char *entry,
		       const struct usage_place *place);

/* The answer to a worker whose question was not sent, or came to nothing. */
struct wire_out *quota_fetch_failure(const char *origin, const char *error);

/* A `fetched` of channel's relay: answer the worker that waits for it. */
void quota_fetch_serve(struct connection *channel, struct wire_map m);

/* The relay has ended: its worker is told that nothing came. */
void quota_fetch_abandon(struct relay *r);

/* c is being dropped: no relay answers it.  Does nothing for other connections. */
void quota_fetch_forget(struct connection *c);

#endif
