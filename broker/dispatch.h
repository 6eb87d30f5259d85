/*
 * broker/dispatch.h - the table of requests.
 */
#ifndef BROKER_DISPATCH_H
#define BROKER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include "wire/message.h"

struct broker;
struct connection;
struct failure;

/* Parse and serve the n bytes in b->packet. */
void dispatch(struct broker *b, struct connection *c, size_t n);

/*
 * A handler returns the reply (sent and freed by dispatch, with *pass beside
 * it when that is >= 0, closed afterwards), or NULL with f set.
 */
struct request {
	struct broker *broker;
	struct connection *connection;
	struct wire_map map;
	bool marked; /* the requester descends from a session */
	int pass;    /* a descriptor for the reply, or -1 */
};
typedef struct wire_out *handler(struct request *q, struct failure *f);

/* broker/ops_status.c */
handler op_hello, op_status, op_slots;
/* broker/ops_vault.c */
handler op_init, op_unlock, op_lock, op_put, op_get, op_rm, op_rename, op_approve, op_list;
/* broker/ops_session.c */
handler op_open, op_pipe;

#endif
