/*
 * relay/pair_state.h - what the files of a pair know of it, and nobody else.
 */
#ifndef RELAY_PAIR_STATE_H
#define RELAY_PAIR_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/answer_flow.h"
#include "relay/buffer.h"
#include "relay/kept_request.h"
#include "relay/pair.h"
#include "relay/request_flow.h"

struct upstream;

enum pair_state {
	PAIR_HEAD,     /* a request's head is read, or awaited */
	PAIR_VALUE,    /* the key is awaited */
	PAIR_MODEL,    /* it has a limit: so much of its body as tells its model */
	PAIR_RESERVE,  /* the broker's word on the limit is */
	PAIR_CONNECT,  /* the connection to the provider is */
	PAIR_EXCHANGE, /* the request goes out, the answer comes in */
	PAIR_RENEW,    /* the provider refused the key; another one is awaited */
	PAIR_FAREWELL, /* the last bytes go to the client; what it still sends is dropped */
	PAIR_OVER
};

struct pair {
	struct relay *relay;
	enum pair_state state;
	int fd;
	struct upstream *up;	  /* NULL: none yet */
	struct buffer in, out;	  /* from the client, to the client */
	size_t in_used, out_used; /* how much of them is to be wiped */
	struct request_flow request;
	struct answer_flow answer;
	struct kept_request kept;
	struct key_value *held; /* with which the request is sent */
	uint64_t key_number;	/* of that */
	uint64_t id;
	bool reserved;	    /* under that id: the broker is told what passes */
	uint64_t told;	    /* bytes of the answer that it was told of */
	bool due;	    /* the broker is to be told what the request came to */
	bool idle_event;    /* the provider's connection has something, between two requests */
	bool again;	    /* it has had its turn, and would go on */
	bool shut;	    /* our side of the client's connection is */
	int64_t head_until; /* clock_now_ms(): by then the head that has begun is whole; 0: none has */
	int64_t linger_until;
	bool moved;	     /* something came of the client, since the last look */
	int64_t still_since; /* clock_now_ms(): the body stops there, by the client; 0: it does not */
};

#endif
