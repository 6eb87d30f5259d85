/*
 * relay/pair_end.h - what is wiped, closed and reported when a try, a request or a pair ends.
 */
#ifndef RELAY_PAIR_END_H
#define RELAY_PAIR_END_H

#include <stdbool.h>

struct pair;

/* Tell the broker what the request came to, once.  left: the client went, or was made to;
 * then an answer that is not known may cost. */
void pair_report(struct pair *p, bool left);

/*
 * Tell the broker, which has it reserved, what is about to pass of the answer, and what a
 * request that asks for no stream may be billed: before the client or the provider has it, since
 * whoever then ends this process could else have had it for nothing.
 */
void pair_announce(struct pair *p);

/* Wipe what a conversation left in the buffers, but for what the client sent of the next
 * one. */
void pair_wipe_buffers(struct pair *p);

/* The request was sent with a key that is of no use: wipe that try, keep the request. */
void pair_end_try(struct pair *p);

/* Wipe the request, what was kept of it, and its answer. */
void pair_end_flows(struct pair *p);

void pair_close_upstream(struct pair *p);

/* Report, wipe and close all of it; harmless twice.  left: as above. */
void pair_end(struct pair *p, bool left);

#endif
