/*
 * broker/claim.h - the fixed messages: arrived, claim, again (wire/claim.h),
 * and the hand-over itself.
 */
#ifndef BROKER_CLAIM_H
#define BROKER_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

struct broker;
struct connection;
struct sock_control;

/* Is the packet in b->packet a fixed message? */
bool claim_is(const void *packet, size_t n);

/* Serve it.  A passed descriptor stays the caller's to close. */
void claim_serve(struct broker *b, struct connection *c, size_t n, const struct sock_control *beside);

#endif
