/*
 * relay/usage_meter.h - reads out of an answer of the Messages API what it cost: tokens,
 * model, and money where the provider tells it.
 *
 * For the relay, which feeds it the body of an answer while passing it on: the bytes
 * behind chunked coding and compression.  A conversation passes here, and nothing of it
 * is kept: memory is constant, and no line is buffered.  No answer makes the meter fail;
 * what it cannot read is marked as unknown.  A caller that enforces a limit must charge
 * its own estimate for anything but a complete message or count, and for what is unknown
 * of a complete one: the agent has a hand in what an answer looks like.
 */
#ifndef RELAY_USAGE_METER_H
#define RELAY_USAGE_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/json_lexer.h"
#include "wire/tokens.h"

/* Larger numbers of one answer are not believed, so that sums of many do not overflow. */
#define METER_TOKENS_MAX UINT64_C(1000000000000)
#define METER_COST_MAX UINT64_C(1000000000000) /* micro-dollars */

enum meter_format {
	METER_OTHER, /* nothing is read */
	METER_JSON,  /* application/json: one JSON text */
	METER_STREAM /* text/event-stream: server-sent events with a JSON text each */
};

enum meter_answer {
	METER_UNKNOWN,	  /* read, and none of the following: an error, a list of models */
	METER_UNREADABLE, /* no message, and something could not be read as JSON */
	METER_MESSAGE,	  /* an answer of the model */
	METER_COUNT	  /* of count_tokens: costs nothing */
};

struct meter_result {
	enum meter_answer answer;
	/* Its last numbers passed: in a stream message_stop, or a message_delta that has a
	   stop_reason and usage.  Else it was cut, or could not be read. */
	bool complete;
	bool error; /* the provider reports an error, in place of an answer or in mid-stream */
	/* Prices per kind of token (price_cost) do not tell what it cost: it used a cache of
	   one hour, server tools, a speed, service tier or region other than the usual one,
	   or another model's help.  The tokens are right, as is cost where it is known. */
	bool surcharged;
	/* A message that counts its input and does not mention a cache used none.  A number
	   that is not known is a lower bound; unless the message is complete, its output
	   is not known, nor is cost. */
	struct token_counts tokens;
	bool cost_known;
	uint64_t cost; /* micro-dollars, rounded up; a lower bound if not known */
	char model[JSON_LEXER_TEXT_MAX + 1]; /* printable ASCII without blanks; "" for unknown */
};

/* A number as a JSON text had it. */
struct meter_number {
	enum { NUMBER_ABSENT, NUMBER_READ, NUMBER_UNREADABLE } state;
	uint64_t n;
};

/* What one JSON text says at its top, or in its member "message". */
struct meter_reading {
	bool has_usage, surcharged;
	struct meter_number tokens[TOKEN_KINDS], cost;
	struct meter_number iterations[TOKEN_KINDS]; /* the sum of usage.iterations */
	char model[JSON_LEXER_TEXT_MAX + 1];
};

struct usage_meter {
	enum meter_format format;
	struct meter_result result;
	bool mentioned[TOKEN_KINDS];
	bool unreadable; /* some text was */
	bool has_delta;	 /* with usage */

	/* the JSON text that is being read */
	struct json_lexer lexer;
	uint8_t place[8]; /* which object is open at each depth; 0 is not used */
	uint8_t member;	  /* whose value is to come */
	uint8_t type;
	bool has_error, has_stop_reason, has_text;
	struct meter_number count;
	struct meter_reading top, message;

	/* the line of a stream */
	uint8_t part;
	uint8_t matched;    /* bytes of "data:" */
	uint8_t bom;	    /* bytes of the byte order mark that a stream may begin with */
	bool at_start;	    /* of the stream */
	bool line_is_empty; /* so far */
	bool after_cr;
	bool has_data; /* the event has a line of data */
};

/* How to read a body of this Content-Type (n bytes, with or without parameters). */
enum meter_format meter_format_of(const char *content_type, size_t n);

/* Begin an answer. */
void meter_start(struct usage_meter *m, enum meter_format format);

/* The next n bytes of the body, in pieces of any size. */
void meter_feed(struct usage_meter *m, const void *p, size_t n);

/*
 * The body ended, or was given up: what was read of it.  Wipes m, which takes
 * meter_start next.
 */
void meter_finish(struct usage_meter *m, struct meter_result *out);

#endif
