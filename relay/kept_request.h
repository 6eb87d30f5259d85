/*
 * relay/kept_request.h - a request as the client sent it, until its answer begins: should
 * the provider refuse a key that can be renewed, it is sent once more.
 */
#ifndef RELAY_KEPT_REQUEST_H
#define RELAY_KEPT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/buffer.h"

#define KEPT_MAX (4u << 20)  /* bytes of one request; the client's conversations have less */
#define KEPT_ALL (16u << 20) /* of all of them */

/* Zeroed, it is empty. */
struct kept_request {
	struct buffer b;
	bool on;	/* what the client sends is kept */
	bool over;	/* it was too much, and is not there any more */
	bool replaying; /* it is sent once more; b has what still waits */
};

/* Keep n bytes more, if it is on. */
void kept_request_add(struct kept_request *k, const char *p, size_t n);

/* From now on what was kept is sent once more.  Not if it is over. */
void kept_request_replay(struct kept_request *k);

/* Does a part of it still wait to be sent once more? */
bool kept_request_waits(const struct kept_request *k);

/* Wipe it, for the next request. */
void kept_request_end(struct kept_request *k);

#endif
