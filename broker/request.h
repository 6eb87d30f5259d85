/*
 * broker/request.h - one request while it is served, and how a handler ends one:
 * on the audit log first, then on the disk, then answered.
 */
#ifndef BROKER_REQUEST_H
#define BROKER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/limits.h"
#include "wire/unpack.h"

struct broker;
struct connection;
struct entry;
struct failure;
struct sock_control;
struct wire_out;

struct request {
	struct broker *broker;
	struct connection *connection;
	struct wire_map map;
	bool marked; /* the requester is inside a session */
	bool person; /* a person's slot was given just before, see broker/person.h */
	int pass_fd; /* a descriptor to send with the answer and close then, or -1 */
	struct sock_control *beside; /* what came with the request; a handler that keeps the
				      * descriptor sets it to -1 */
	bool deferred;		     /* the handler returned NULL, but will answer later */
};

/*
 * Write "this connection asked for event" to the audit log, before it happens.
 * name: entries or slots it is about, or NULL.  -1: it is not logged, so it must not
 * happen.  The result is "granted", or "asked" for an event whose key may still turn
 * out not to open the vault; then dispatch.c logs the refusal on a line of its own.
 */
int request_audit(struct request *q, const char *event, const char *name, struct failure *f);

/* The entry of field "name", which is copied to name; its token may be absent.  NULL with f set:
 * FAIL_NO_ENTRY, or the field is none. */
const struct entry *request_entry(struct request *q, char name[NAME_MAX_LEN + 1],
				  struct failure *f);

/* Write the changed vault to the disk.  The answer {generation}, or NULL: the change
 * was undone. */
struct wire_out *request_commit(struct request *q, struct failure *f);

/*
 * A keyfile that comes with a change of the vault (p, of field_keyfile; NULL: none)
 * is written before the change under a second name, which auto_unlock_try looks at
 * too, and gets its own name after it.  So a vault that only it opens is never on the
 * disk without it, and a change that fails costs no good keyfile.
 * done: did the change happen?
 */
int request_write_keyfile(struct request *q, const uint8_t *p, struct failure *f);
void request_finish_keyfile(struct request *q, const uint8_t *p, bool done);

#endif
