/*
 * relay/request_flow.h - one request on its way from the client to the provider: its
 * head with the secrets, and its body, decoded and framed anew.
 */
#ifndef RELAY_REQUEST_FLOW_H
#define RELAY_REQUEST_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/buffer.h"
#include "relay/http_chunks.h"
#include "relay/http_request.h"
#include "relay/request_head.h"
#include "relay/request_meter.h"
#include "relay/request_model.h"
#include "relay/request_routes.h"

struct arena;
struct failure;
struct key;
struct upstream;

struct request_flow {
	struct http_request_reader reader;
	const struct request_route *route; /* once the head has been read and may pass */
	struct request_model search;
	char model[REQUEST_MODEL_SIZE]; /* that it asks for, as far as it can be told */
	struct http_chunks chunks;
	struct request_meter meter;
	uint64_t left;	   /* of a body with a length */
	uint64_t bytes;	   /* of the body, so far */
	bool counted;	   /* against a limit */
	bool ended;	   /* the whole body has been taken from the client */
	uint64_t output;   /* tokens that the answer may have, once it ended; 0: a stream */
	bool head_sent;	   /* and so perhaps acted on */
	bool broken;	   /* the provider takes no more: what still comes is dropped */
	struct buffer out; /* locked memory: the secrets, then the body piece by piece */
};

/* Begin a request: nothing of it was read.  Nothing needs to be freed. */
void request_flow_init(struct request_flow *r);

/*
 * Once the head has been read from in->p, which still has it: which model it asks for, by
 * the path or by what has come of the body.  False: what is to come of it may tell.
 */
bool request_flow_find_model(struct request_flow *r, const struct buffer *in);

/*
 * Write the head for the provider, with the key, and take it off `in`.  What is written
 * is of the arena.  Returns 0, or -1 with f set and nothing left of it.
 */
int request_flow_begin(struct request_flow *r, struct buffer *in,
		       const struct request_provider *provider, const struct key *key,
		       struct arena *arena, struct failure *f);

/*
 * Take what `in` has of the body, as much as there is room for.  Returns 1: some was
 * taken; 0: none; -1 with FAIL_MALFORMED: its chunks are refused, it asks for two models, or
 * it is counted and no JSON; what waits must not be sent then.
 */
int request_flow_take(struct request_flow *r, struct buffer *in, struct failure *f);

/* Send what waits.  Returns 1: some was sent; 0: none.  It may become `broken`. */
int request_flow_send(struct request_flow *r, struct upstream *u);

/* Wipe what waits. */
void request_flow_end(struct request_flow *r, struct arena *arena);

#endif
