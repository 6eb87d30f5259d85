/*
 * broker/claim.h - the fixed messages of the preloaded library: arrived, claim,
 * again (wire/claim.h).  A claim is answered with the session's secrets.
 */
#ifndef BROKER_CLAIM_H
#define BROKER_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

struct broker;
struct connection;
struct sock_control;

/* Does the packet of n bytes begin as a fixed message does?  Else it is msgpack. */
bool claim_is_fixed_message(const void *packet, size_t n);

/* Serve the n bytes in b->packet and answer.  A descriptor that came with the packet
 * (beside) stays the caller's to close. */
void claim_serve(struct broker *b, struct connection *c, size_t n,
		 const struct sock_control *beside);

#endif
