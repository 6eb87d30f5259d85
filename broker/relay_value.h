/*
 * broker/relay_value.h - the tokens of a relay, over its channel: `value` and `renew`.
 *
 * A token that stays in another manager and is gone (its ttl is over, the vault was
 * locked, its provider refused it) is fetched first where somebody waits to do that
 * (broker/renewal.h); so long the relay waits for its answer.
 */
#ifndef BROKER_RELAY_VALUE_H
#define BROKER_RELAY_VALUE_H

#include "wire/unpack.h"

struct broker;
struct connection;
struct failure;
struct tenant;

/* The messages; c is the channel.  m is not looked at. */
void relay_serve_value(struct broker *b, struct connection *c, struct wire_map m);
void relay_serve_renew(struct broker *b, struct connection *c, struct wire_map m);

/* The entry's token has come: answer who waits for it.  why: it has not, and will not. */
void relay_value_fetched(struct broker *b, const struct tenant *t, const char *name,
			 const struct failure *why);

/* Now and then: what the relay of c waits for may not come any more.  Does nothing for
 * other connections. */
void relay_value_check(struct broker *b, struct connection *c);

#endif
