/*
 * relay/pair_places.h - whose place, or locked memory, another request of the session gets
 * when all of it is taken: that of a connection between two requests, or of a request that has
 * stopped in its body.  A body that comes, however slowly, keeps its own; so does what waits for
 * the network, the provider or the broker.
 */
#ifndef RELAY_PAIR_PLACES_H
#define RELAY_PAIR_PLACES_H

#include <stdbool.h>

struct pair;
struct relay;

/* Is it between two requests? */
bool pair_is_idle(const struct pair *p);

/* Could pair_places_make end one now?  If it can later, *timeout is shortened to then. */
bool pair_places_may_make(const struct relay *r, int *timeout);

/* End the oldest that is between two requests, else the one that has stopped for longest.
 * Whether there was one; it is over then. */
bool pair_places_make(struct relay *r);

/* The same for memory, which only those in a request have. */
bool pair_places_free_memory(struct relay *r);

#endif
