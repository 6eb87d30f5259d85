/*
 * relay/answer_flow.h - one answer on its way from the provider to the client: without
 * the key, should it be in it, and measured.
 */
#ifndef RELAY_ANSWER_FLOW_H
#define RELAY_ANSWER_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/buffer.h"
#include "relay/http_answer.h"
#include "relay/http_chunks.h"
#include "relay/usage_meter.h"

struct arena;
struct failure;
struct secret_filter;
struct secret_set;
struct upstream;

/* Of the buffer towards the client: a whole head fits, and any piece of a body. */
#define ANSWER_OUT_SIZE ANSWER_HEAD_OUT_MAX

struct answer_flow {
	struct answer_head head;
	bool head_read;
	bool ended;   /* the whole answer has been passed on */
	bool close;   /* the client was told that the connection ends */
	bool hung_up; /* the provider's connection has ended, by its own word */
	bool broken;  /* or otherwise */
	bool bare;    /* a caller's wish: the body is passed on without chunks around it */
	bool metered; /* its usage is being read */
	struct http_chunks chunks;
	uint64_t left; /* of a body with a length */
	uint64_t sent; /* bytes of the body passed on */
	struct usage_meter meter;
	struct secret_filter *filter; /* locked memory */
	struct buffer in;	      /* locked memory: it may repeat the key */
};

/* Begin an answer; filter and buffer are of the arena.  0, or -1 with f set. */
int answer_flow_begin(struct answer_flow *a, const struct secret_set *set, struct arena *arena,
		      struct failure *f);

/*
 * Read from the provider what there is room for.  Returns 1: some came; 0: none.  It may
 * become `hung_up` or `broken`.
 */
int answer_flow_recv(struct answer_flow *a, struct upstream *u);

/* The status of the answer that begins in what has come; 0: its head is not whole, or
 * none. */
unsigned answer_flow_status(const struct answer_flow *a);

/*
 * Pass on to out (ANSWER_OUT_SIZE bytes, empty when the answer begins) what has come and
 * there is room for.  close: the client's connection is to end behind it; billed: read
 * what a good answer says about its usage.  Returns 1: something went on; 0: nothing;
 * -1 with f set: what came is no answer, or was cut.
 */
int answer_flow_pass(struct answer_flow *a, struct buffer *out, bool close, bool billed,
		     struct arena *arena, struct failure *f);

/* What the meter read; `complete` only if all of it could be read.  Nothing is passed on
 * after that: the filter is used for the model's name. */
void answer_flow_measure(struct answer_flow *a, struct meter_result *result);

/* Wipe it. */
void answer_flow_end(struct answer_flow *a, struct arena *arena);

#endif
