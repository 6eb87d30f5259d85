/*
 * relay/request_meter.h - reads out of a request of the Messages API, as its body passes, how
 * many tokens it and its answer may have, should nobody hear the end of it, and whether it asks
 * for one model.
 *
 * Who asks for a stream is served while it comes, and a provider ends one that is cut off.  Any
 * other answer is made, and billed, as a whole, also when the client went away at once.
 *
 * Tokens of text are fewer than its bytes.  A picture or a document is not bound by that, and
 * what the provider fetches for the model is in no byte of the request.
 */
#ifndef RELAY_REQUEST_METER_H
#define RELAY_REQUEST_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/json_lexer.h"

#define REQUEST_OUTPUT_MAX 128000   /* tokens, of an answer that no readable number bounds */
#define REQUEST_PICTURE_BYTES 15000 /* of text that has as many tokens as the largest picture */

struct request_meter {
	struct json_lexer lexer;
	uint8_t member;
	bool streams;	   /* "stream" is there, and true */
	bool whole;	   /* it is there, and something else; or may be */
	uint64_t most;	   /* of "max_tokens" */
	bool most_unknown; /* it is there, and no number that can be read */
	unsigned models;   /* members "model", or that may be */
	bool unreadable;   /* it is no JSON, or goes on behind its end */
	bool in_tools;
	uint64_t pictures; /* objects that are a "source" */
	bool enclosed;	   /* it has a document, or names a file */
	bool fetches;	   /* it has the provider run tools, whose results are input as well */
};

void request_meter_start(struct request_meter *m);

/* The next n bytes of the body, in pieces of any size. */
void request_meter_feed(struct request_meter *m, const void *p, size_t n);

/* The body ended: the tokens that the whole answer may have; 0: it is a stream. */
uint64_t request_meter_output(const struct request_meter *m);

/*
 * The body of n bytes ended: the bytes of text that have as many tokens as its input may have.
 * 0: nobody knows.  counted: the answer told how many it has, before tools ran.
 */
uint64_t request_meter_input(const struct request_meter *m, uint64_t n, bool counted);

/* So far: does the body name more than one model?  Servers differ about which they take. */
bool request_meter_is_ambiguous(const struct request_meter *m);

/* So far: is it no JSON, or more than one text?  A server may find more in it than was read. */
bool request_meter_is_unreadable(const struct request_meter *m);

#endif
