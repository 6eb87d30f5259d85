/*
 * relay/channel.h - the relay's messages with the broker (docs/PROTOCOL.md, "The relay's
 * channel").
 *
 * The channel is descriptor 3, a SOCK_SEQPACKET socket whose other end the broker has had
 * from the beginning.  Whoever starts a relay by himself has no broker at its other end.
 */
#ifndef RELAY_CHANNEL_H
#define RELAY_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"
#include "wire/unpack.h"

struct arena;
struct meter_result;

#define RELAY_CHANNEL_FD 3
#define CHANNEL_PATH_MAX 127

struct channel {
	uint8_t *packet; /* WIRE_PACKET_MAX bytes of locked memory */
	size_t n;	 /* how many of them the last packet had */
	int64_t notes_since;
	unsigned notes; /* refusals and failures that were reported since then */
};

enum channel_op {
	CHANNEL_FILE,
	CHANNEL_START,
	CHANNEL_VALUE,
	CHANNEL_NO_VALUE,
	CHANNEL_RESERVED,
	CHANNEL_REFUSED,
	CHANNEL_WIPE,
	CHANNEL_FETCH
};

/* What the broker says.  Fields of other ops are 0 or "". */
struct channel_message {
	enum channel_op op;
	struct wire_in in; /* the whole of FILE and START */
	int fd;		   /* what came with it, or -1 */
	/* VALUE: secret number index of count; in the channel's packet.  FETCH: with index */
	uint64_t index, count;
	bool limited;
	bool expires;		  /* the key is to be asked for again */
	uint64_t expires_seconds; /* then, from now */
	const uint8_t *token;
	size_t token_n;
	/* NO_VALUE, REFUSED, WIPE */
	enum fail_code error;
	struct failure words;
	bool ended; /* the session was ended: no value will come any more */
	/* RESERVED, REFUSED, FETCH */
	uint64_t id;
	uint32_t retry; /* seconds */
	/* FETCH */
	char path[CHANNEL_PATH_MAX + 1];
	bool bearer; /* the key with "Bearer" before it, or alone */
};

/* What came of a FETCH: an error's word, or the answer, without any key. */
struct channel_fetched {
	uint64_t id;
	const char *error;
	unsigned status;
	unsigned long retry; /* seconds, if the answer says so; else 0 */
	const char *body;
	size_t n;
};

/* What one billed request came to. */
struct channel_use {
	uint64_t id;
	const char *model;
	unsigned status; /* of the answer; 0: none came */
	const struct meter_result *result;
	bool complete, billed;
	uint64_t bytes; /* by which its input is estimated; 0: nobody knows */
	uint64_t sent;	/* of the answer's body */
};

/* 0, or -1 with FAIL_NO_MEMORY. */
int relay_channel_open(struct channel *c, struct arena *arena, struct failure *f);

/* Wait for a message until the deadline (base/clock.h), as relay_channel_receive. */
int relay_channel_await(struct channel *c, int64_t deadline, struct channel_message *m,
			struct failure *f);

/*
 * Receive one message, without waiting.  Returns 1: it is in *m, until relay_channel_forget;
 * 0: there is none; -1: the channel has ended (f is FAIL_NONE), or f says what is wrong.
 */
int relay_channel_receive(struct channel *c, struct channel_message *m, struct failure *f);

/* Wipe the packet of m, and close the descriptor if it is still m's. */
void relay_channel_forget(struct channel *c, struct channel_message *m);

/* Messages to the broker.  0, or -1: the channel is of no further use. */
int relay_channel_ask_value(const struct channel *c);
int relay_channel_ask_renewal(const struct channel *c);
int relay_channel_reserve(const struct channel *c, uint64_t id, const char *model, uint64_t bytes);
int relay_channel_report_passing(const struct channel *c, uint64_t id, uint64_t sent,
				 uint64_t output);
int relay_channel_report_use(const struct channel *c, const struct channel_use *use);
int relay_channel_answer_fetch(const struct channel *c, const struct channel_fetched *fetched);

/*
 * For the audit log: a request that was refused, or a failure outward.  Of more than a
 * few in a while the rest is dropped, and so is one that cannot be sent.
 */
void relay_channel_note_refusal(struct channel *c, const char *what);
void relay_channel_note_failure(struct channel *c, const char *what);

#endif
