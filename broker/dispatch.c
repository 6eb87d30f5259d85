/*
 * broker/dispatch.c - the table of requests.  What is not in it is refused.
 */
#include "broker/dispatch.h"

#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/marked.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/request.h"
#include "broker/tenant_vault.h"
#include "wire/limits.h"
#include "wire/pack.h"
#include "wire/unpack.h"

enum {
	FROM_SESSIONS = 1,   /* a process inside a session (marked) may ask */
	OPEN_VAULT = 2,	     /* needs an unlocked vault, and counts as a use of it */
	KEPT_WILL_DO = 4,    /* with OPEN_VAULT: entries that a lock spared are enough */
	CHANGES_VAULT = 8,   /* writes the vault: tokens that are asleep are read first */
	AUDIT_REFUSALS = 16, /* a refusal is logged under the op's name */
	PERSON = 32	     /* wants a person's slot, given just before (op person) */
};

static const struct op {
	const char *name;
	request_handler *serve;
	int flags;
} ops[] = {
	{ "hello", op_hello, FROM_SESSIONS },
	{ "status", op_status, FROM_SESSIONS },
	{ "slots", op_slots, 0 },
	{ "slot", op_slot, 0 },
	{ "host", op_host, 0 },
	{ "record", op_audit_part, 0 },
	{ "init", op_init, AUDIT_REFUSALS },
	{ "unlock", op_unlock, AUDIT_REFUSALS },
	{ "reopen", op_reopen, AUDIT_REFUSALS },
	{ "person", op_person, AUDIT_REFUSALS },
	{ "lock", op_lock, AUDIT_REFUSALS },
	{ "watch", op_watch, 0 },
	{ "settings", op_settings, OPEN_VAULT },
	{ "set", op_set, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS },
	{ "slot-add", op_slot_add, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "slot-rm", op_slot_rm, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "slot-replace", op_slot_replace, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "rekey", op_rekey, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "keyfile", op_keyfile, AUDIT_REFUSALS },
	{ "backup", op_backup, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "export", op_export, AUDIT_REFUSALS | PERSON },
	{ "part", op_part, 0 },
	{ "stage", op_stage, 0 },
	/* set, restore, put, limit-set and confirm-set want a person only for some of what they do */
	{ "restore", op_restore, AUDIT_REFUSALS },
	{ "retire", op_retire, AUDIT_REFUSALS | PERSON },
	{ "put", op_put, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS },
	{ "get", op_get, OPEN_VAULT | AUDIT_REFUSALS | PERSON },
	{ "match", op_match, OPEN_VAULT },
	{ "rm", op_rm, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "rename", op_rename, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "approve", op_approve, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "list", op_list, OPEN_VAULT },
	{ "image", op_image, OPEN_VAULT },
	{ "image-forget", op_image_forget, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS | PERSON },
	{ "limit", op_limit, OPEN_VAULT },
	{ "limit-set", op_limit_set, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS },
	/* without OPEN_VAULT: what was used can be read while the vault is locked */
	{ "spent", op_spent, 0 },
	{ "spent-today", op_spent_today, FROM_SESSIONS },
	{ "source-take", op_source_take, OPEN_VAULT },
	{ "source-put", op_source_put, OPEN_VAULT | AUDIT_REFUSALS },
	/* without OPEN_VAULT: waiting must not keep the vault from idling */
	{ "source-wait", op_source_wait, AUDIT_REFUSALS },
	{ "source-fail", op_source_fail, 0 },
	/* open decides about marked requesters entry by entry (nested = allow) */
	{ "open", op_open, FROM_SESSIONS | OPEN_VAULT | KEPT_WILL_DO | AUDIT_REFUSALS },
	/* whether the vault must be open for that depends on whether there is one */
	{ "keyless", op_keyless, AUDIT_REFUSALS },
	{ "relay-file", op_relay_file, FROM_SESSIONS | OPEN_VAULT | KEPT_WILL_DO | AUDIT_REFUSALS },
	{ "relay", op_relay, FROM_SESSIONS | OPEN_VAULT | KEPT_WILL_DO | AUDIT_REFUSALS },
	/* a launch asks about its own, wherever it runs */
	{ "confirm-wait", op_confirm_wait, FROM_SESSIONS },
	{ "confirmations", op_confirmations, 0 },
	{ "confirm", op_confirm, OPEN_VAULT | AUDIT_REFUSALS | PERSON },
	{ "confirm-deny", op_confirm_deny, AUDIT_REFUSALS },
	{ "confirm-set", op_confirm_set, OPEN_VAULT | CHANGES_VAULT | AUDIT_REFUSALS },
	{ "sessions", op_sessions, 0 },
	{ "session-end", op_session_end, AUDIT_REFUSALS },
	{ "pipe", op_pipe, FROM_SESSIONS | OPEN_VAULT | KEPT_WILL_DO | AUDIT_REFUSALS },
	/* without OPEN_VAULT: fetching numbers must not keep the vault from idling */
	{ "usage-next", op_usage_next, AUDIT_REFUSALS },
	{ "usage-put", op_usage_put, 0 },
	{ "usage", op_usage, FROM_SESSIONS },
};

static void audit_refusal(struct connection *c, struct wire_map m, const char *op,
			  const struct failure *f)
{
	char name[NAME_MAX_LEN + 1] = "";
	struct audit_event e = { .event = op,
				 .result = fail_name(f->code),
				 .pid = c->peer.pid,
				 .provider = name,
				 .why = f->what };

	if (wire_get_text(m, "provider", name, sizeof(name), NULL) != 0 &&
	    wire_get_text(m, "name", name, sizeof(name), NULL) != 0)
		name[0] = '\0';
	audit_write(&c->tenant->audit, &e, NULL);
}

/* What the flags of an op demand, before its handler runs. */
static int check_admission(struct request *q, int flags, struct failure *f)
{
	if (peer_read_mark(&q->connection->peer, &q->marked, f) != 0)
		return -1;
	q->marked = q->marked && control_active(CONTROL_MARK);
	if (q->connection->unverified && !(flags & FROM_SESSIONS))
		return fail_set(f, FAIL_PEER, "say hello first",
				"the calling process is not verified yet");
	/* Whether `open` may serve a marked requester is in the entry's policy, which
	 * only an open vault can tell. */
	if (q->marked &&
	    (!(flags & FROM_SESSIONS) ||
	     ((flags & OPEN_VAULT) && !wire_has(q->map, "ticket") &&
	      !q->connection->tenant->vault && q->connection->session.state == SESSION_NONE)))
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session gets nothing");
	if ((flags & OPEN_VAULT) &&
	    (flags & KEPT_WILL_DO ? tenant_require_open_or_kept
				  : tenant_require_open)(q->connection->tenant, f) != 0)
		return -1;
	if ((flags & PERSON) && person_require(q, f) != 0)
		return -1;
	return flags & CHANGES_VAULT ? tenant_wake_tokens(q->connection->tenant, f) : 0;
}

static const struct op *find_op(const char *name)
{
	unsigned i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	return NULL;
}

static struct wire_out *serve_request(struct request *q, struct failure *f)
{
	struct wire_out *reply = NULL;
	const struct op *op;
	char name[32];

	if (wire_get_text(q->map, "op", name, sizeof(name), f) != 0) {
		q->connection->closing = true;
		return NULL;
	}
	op = find_op(name);
	if (!op) {
		fail_set(f, FAIL_UNKNOWN_OP, WIRE_HINT_VERSIONS, "unknown request '%s'", name);
		return NULL;
	}
	if (check_admission(q, op->flags, f) == 0)
		reply = op->serve(q, f);
	if (!reply && !q->deferred && f->code == FAIL_MARKED)
		marked_explain(q, f);
	if (reply && (op->flags & OPEN_VAULT))
		q->connection->tenant->used_ms = clock_now_ms();
	/* Without a failure it was done, and there is no memory for the answer. */
	if (!reply && !q->deferred && f->code != FAIL_NONE &&
	    ((op->flags & AUDIT_REFUSALS) || f->code == FAIL_MARKED))
		audit_refusal(q->connection, q->map, name, f);
	return reply;
}

void dispatch_packet(struct broker *b, struct connection *c, size_t n, struct sock_control *beside)
{
	struct failure f = { 0 };
	struct request q = { .broker = b,
			     .connection = c,
			     .person = person_take(c),
			     .pass_fd = -1,
			     .beside = beside };
	struct wire_out *reply = NULL;
	struct wire_in in;

	if (wire_parse(&in, b->packet, n, &f) == 0) {
		q.map = in.top;
		reply = serve_request(&q, &f);
	} else {
		/* Malformed input: answer, then close the connection. */
		c->closing = true;
	}
	if (!reply && q.deferred) {
		wire_in_free(&in);
		return;
	}
	if (!reply && f.code != FAIL_NONE)
		reply = wire_error(&f);
	/* Nor is it refused: a connection that ends says neither. */
	if (!reply || wire_send(c->fd, reply, q.pass_fd) != 0)
		c->closing = true;
	wire_out_free(reply);
	if (q.pass_fd >= 0)
		close(q.pass_fd);
	wire_in_free(&in);
	if (c->session.state == SESSION_NONE && !c->watcher && !c->quota_fetching &&
	    !c->quota_waiting && !c->fetching_token_of[0] && !c->renewer.told[0])
		c->deadline = clock_now_ms() + IDLE_DEADLINE_MS;
}
