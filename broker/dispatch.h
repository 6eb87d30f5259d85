/*
 * broker/dispatch.h - the table of requests.
 */
#ifndef BROKER_DISPATCH_H
#define BROKER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include "wire/pack.h"
#include "wire/unpack.h"

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
	bool later;  /* set with NULL: the answer comes when there is one */
};
typedef struct wire_out *handler(struct request *q, struct failure *f);

/* broker/ops_status.c */
handler op_hello, op_status, op_slots, op_slot, op_record;
/* broker/ops_open.c */
handler op_init, op_unlock, op_reopen, op_lock, op_watch, op_settings, op_set;
/* broker/ops_slots.c */
handler op_slot_add, op_slot_rm, op_slot_replace, op_rekey, op_host, op_keyfile;
/* broker/ops_vault.c */
handler op_put, op_get, op_rm, op_rename, op_approve, op_list;
/* broker/ops_file.c */
handler op_backup, op_export, op_part, op_stage, op_restore, op_retire;
/* broker/ops_session.c */
handler op_open, op_pipe;
/* broker/ops_source.c */
handler op_source_take, op_source_put;
/* broker/ops_quota.c */
handler op_usage_next, op_usage_put, op_usage;
/* Is it the turn of a worker that waits?  Then it is answered. */
void quota_answer_waiting(struct connection *c);

/* ---- what handlers share (broker/fields.c) ---- */

struct slot_info;

/* A name of an entry; FAIL_BAD_VALUE. */
int field_name(struct wire_map m, const char *key, char *out, struct failure *f);
/* "key": a slot's wrapping key, KEY_LEN bytes in the packet. */
int field_key(struct wire_map m, const uint8_t **key, struct failure *f);
/* "slot": the id of one. */
int field_slot(struct wire_map m, const char *key, uint32_t *id, struct failure *f);
/* "slot": an array of one map, a slot to be made. */
int field_new_slot(struct wire_map m, struct slot_info *s, struct failure *f);
/* "keyfile", optional (then *p is NULL): a whole one, of this vault; *slot: whose key it has. */
int field_keyfile(struct wire_map m, const uint8_t *vault, const uint8_t **p, uint32_t *slot,
		  struct failure *f);
int keyfile_fail_other_slot(uint32_t slot, struct failure *f);
/*
 * A keyfile that comes with a change is on the disk before it, under its second
 * name (auto_unlock_try looks at both), and in its place after it: so a vault that only
 * it opens is never without it, and a change that fails costs no good one.
 * p: of field_keyfile.  done: did the change happen?
 */
int request_write_keyfile(struct request *q, const uint8_t *p, struct failure *f);
void request_finish_keyfile(struct request *q, const uint8_t *p, bool done);
/*
 * Put an event of this connection on record before it happens.  What may still
 * fail (a key that does not open) is "asked"; a refusal gets a line of its own.
 */
int request_audit(struct request *q, const char *event, const char *name, struct failure *f);
/* The present state to disk, and the answer {generation}. */
struct wire_out *request_commit(struct request *q, struct failure *f);

#endif
