/*
 * relay/request_meter.h - reads out of a request of the Messages API, as its body passes, how
 * many tokens its answer may have, should nobody hear the end of it.
 *
 * Who asks for a stream is served while it comes, and a provider ends one that is cut off.  Any
 * other answer is made, and billed, as a whole, also when the client went away at once.
 */
#ifndef RELAY_REQUEST_METER_H
#define RELAY_REQUEST_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/json_lexer.h"

#define REQUEST_OUTPUT_MAX 128000 /* tokens, of an answer that no readable number bounds */

struct request_meter {
	struct json_lexer lexer;
	uint8_t member;
	bool streams;	   /* "stream" is there, and true */
	bool whole;	   /* it is there, and something else */
	uint64_t most;	   /* of "max_tokens" */
	bool most_unknown; /* it is there, and no number that can be read */
};

void request_meter_start(struct request_meter *m);

/* The next n bytes of the body, in pieces of any size. */
void request_meter_feed(struct request_meter *m, const void *p, size_t n);

/* The body ended: the tokens that the whole answer may have; 0: it is a stream. */
uint64_t request_meter_output(const struct request_meter *m);

#endif
