/*
 * broker/relay_channel.h - serving a relay over its channel, a connection that the
 * broker made itself: whoever holds the other end is the relay that it had started.
 */
#ifndef BROKER_RELAY_CHANNEL_H
#define BROKER_RELAY_CHANNEL_H

struct broker;
struct connection;
struct failure;
struct relay;

/*
 * Have a relay started for the opened session of c, which moves from c to the relay's
 * channel and is live from then on.  r is taken over in any case.  0 or -1.
 */
int relay_channel_start(struct broker *b, struct connection *c, struct relay *r, struct failure *f);

/* Receive one packet of c, which is a relay's channel, and act on it.  Sets c->closing
 * when that is the end. */
void relay_channel_serve(struct broker *b, struct connection *c);

/*
 * Now and then: if the session's process has ended, the relay of c must end as well.
 * One that does not loses its channel by c->deadline.  Does nothing for other connections.
 */
void relay_channel_check(struct connection *c);

/* c is being dropped: forget its relay.  Does nothing for other connections. */
void relay_channel_drop(struct connection *c);

#endif
