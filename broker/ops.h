/*
 * broker/ops.h - the handlers that dispatch.c's table names, file by file.  What each
 * takes and answers is in docs/PROTOCOL.md.
 */
#ifndef BROKER_OPS_H
#define BROKER_OPS_H

struct connection;
struct failure;
struct request;
struct wire_out;

/*
 * A handler returns the answer, which dispatch.c sends and frees, or NULL with f set
 * (or with q->deferred set: there is no answer yet).
 */
typedef struct wire_out *request_handler(struct request *q, struct failure *f);

/* broker/ops_status.c */
request_handler op_hello, op_status, op_slots, op_slot, op_audit_part;
/* broker/ops_vault.c */
request_handler op_init, op_unlock, op_reopen, op_settings, op_set;
/* broker/ops_lock.c */
request_handler op_lock, op_watch;
/* broker/person.c */
request_handler op_person;
/* broker/ops_slots.c */
request_handler op_slot_add, op_slot_rm, op_slot_replace, op_rekey, op_host, op_keyfile;
/* broker/ops_entries.c */
request_handler op_put, op_get, op_match, op_rm, op_rename, op_approve, op_list;
/* broker/ops_file.c */
request_handler op_backup, op_export, op_part, op_stage, op_restore, op_retire;
/* broker/ops_session.c */
request_handler op_open, op_pipe, op_keyless;
/* broker/ops_confirm.c */
request_handler op_confirm_wait, op_confirmations, op_confirm, op_confirm_deny, op_confirm_set;
/* broker/image.c */
request_handler op_image, op_image_forget;
/* broker/ops_relay.c */
request_handler op_relay_file, op_relay;
/* broker/ops_sessions.c */
request_handler op_sessions, op_session_end;
/* broker/ops_spending.c */
request_handler op_limit, op_limit_set, op_spent, op_spent_today;
/* broker/ops_source.c */
request_handler op_source_take, op_source_put, op_source_wait, op_source_fail;
/* broker/ops_quota.c; on the wire these are usage-next, usage-put, usage */
request_handler op_usage_next, op_usage_put, op_usage;

/* broker/ops_quota.c: answer the deferred usage-next of c if its numbers are due now;
 * else nothing.  Sets c->closing when the worker is refused or gone. */
void quota_answer_waiting(struct connection *c);

#endif
