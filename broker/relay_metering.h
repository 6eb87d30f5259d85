/*
 * broker/relay_metering.h - what a relay asks before a request goes out, and tells after it
 * (broker/spending.h).
 */
#ifndef BROKER_RELAY_METERING_H
#define BROKER_RELAY_METERING_H

#include "wire/unpack.h"

struct connection;

/* `reserve`, `passing` and `use` on the channel c.  A message that is no such thing ends it. */
void relay_serve_reserve(struct connection *c, struct wire_map m);
void relay_serve_passing(struct connection *c, struct wire_map m);
void relay_serve_use(struct connection *c, struct wire_map m);

/* The relay of c has ended: count what it announced and will not tell the end of.  Returns how
 * many requests that were. */
unsigned relay_count_interrupted(struct connection *c);

#endif
