/*
 * broker/dispatch.c - which request needs what, in one table; the rest is no.
 */
#include "broker/dispatch.h"

#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "wire/pack.h"
#include "wire/unpack.h"

enum {
	FROM_SESSIONS = 1, /* a marked process may ask */
	OPEN_VAULT = 2,	   /* needs an unlocked vault */
	KEPT_WILL_DO = 4,  /* or one of whose entries some were spared by a lock */
	CHANGES = 8,	   /* writes the vault: no token may sleep meanwhile */
	ON_RECORD = 16	   /* a refusal is recorded under the op's name */
};

static const struct {
	const char *name;
	handler *serve;
	int flags;
} ops[] = {
	{ "hello", op_hello, FROM_SESSIONS },
	{ "status", op_status, FROM_SESSIONS },
	{ "slots", op_slots, 0 },
	{ "slot", op_slot, 0 },
	{ "host", op_host, 0 },
	{ "record", op_record, 0 },
	{ "init", op_init, ON_RECORD },
	{ "unlock", op_unlock, ON_RECORD },
	{ "reopen", op_reopen, ON_RECORD },
	{ "lock", op_lock, ON_RECORD },
	{ "watch", op_watch, 0 },
	{ "settings", op_settings, OPEN_VAULT },
	{ "set", op_set, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "slot-add", op_slot_add, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "slot-rm", op_slot_rm, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "slot-replace", op_slot_replace, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "rekey", op_rekey, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "keyfile", op_keyfile, ON_RECORD },
	{ "backup", op_backup, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "export", op_export, ON_RECORD },
	{ "part", op_part, 0 },
	{ "stage", op_stage, 0 },
	{ "restore", op_restore, ON_RECORD },
	{ "retire", op_retire, ON_RECORD },
	{ "put", op_put, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "get", op_get, OPEN_VAULT | ON_RECORD },
	{ "rm", op_rm, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "rename", op_rename, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "approve", op_approve, OPEN_VAULT | CHANGES | ON_RECORD },
	{ "list", op_list, OPEN_VAULT },
	{ "source-take", op_source_take, OPEN_VAULT },
	{ "source-put", op_source_put, OPEN_VAULT | ON_RECORD },
	/* open decides about marked requesters entry by entry (nested = allow) */
	{ "open", op_open, FROM_SESSIONS | OPEN_VAULT | KEPT_WILL_DO | ON_RECORD },
	{ "pipe", op_pipe, FROM_SESSIONS | OPEN_VAULT | KEPT_WILL_DO | ON_RECORD },
	/* no use of the vault: numbers that are fetched keep nothing open */
	{ "usage-next", op_usage_next, ON_RECORD },
	{ "usage-put", op_usage_put, 0 },
	{ "usage", op_usage, FROM_SESSIONS },
};

static void audit_refusal(struct connection *c, struct wire_map m, const char *op,
			   const struct failure *f)
{
	char name[NAME_MAX_LEN + 1] = "";
	struct audit_event e = { .event = op, .result = fail_name(f->code), .pid = c->peer.pid,
				  .provider = name, .why = f->what };

	if (wire_get_text(m, "provider", name, sizeof(name), NULL) != 0 &&
	    wire_get_text(m, "name", name, sizeof(name), NULL) != 0)
		name[0] = '\0';
	audit_write(&c->tenant->record, &e, NULL);
}

/* Everything that holds for an op before its handler runs. */
static int check_admission(struct request *q, int flags, struct failure *f)
{
	int marked = peer_marked(&q->connection->peer, f);

	if (marked < 0)
		return -1;
	q->marked = marked;
	if (q->connection->first && !(flags & FROM_SESSIONS))
		return fail_set(f, FAIL_PEER, "say hello first", "it cannot be told yet who is calling");
	/* `open` may allow a marked requester, but what an entry allows is only
	 * known while the vault is open. */
	if (marked && (!(flags & FROM_SESSIONS) ||
		       ((flags & OPEN_VAULT) && !q->connection->tenant->vault &&
			q->connection->session.state == SESSION_NONE)))
		return fail_set(f, FAIL_MARKED, "run it outside the session, in another terminal",
				"a process inside a session gets nothing");
	if ((flags & OPEN_VAULT) && (flags & KEPT_WILL_DO ? tenant_require_open_or_kept : tenant_require_open)(
					    q->connection->tenant, f) != 0)
		return -1;
	return flags & CHANGES ? tenant_wake_tokens(q->connection->tenant, f) : 0;
}

static struct wire_out *serve_request(struct request *q, struct failure *f)
{
	struct wire_out *reply = NULL;
	char op[32];
	unsigned i;

	if (wire_get_text(q->map, "op", op, sizeof(op), f) != 0) {
		q->connection->closing = true;
		return NULL;
	}
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, op) == 0)
			break;
	if (i == sizeof(ops) / sizeof(ops[0])) {
		fail_set(f, FAIL_UNKNOWN_OP, "programs of one version belong together",
			 "unknown request '%s'", op);
		return NULL;
	}
	if (check_admission(q, ops[i].flags, f) == 0)
		reply = ops[i].serve(q, f);
	if (reply && (ops[i].flags & OPEN_VAULT))
		q->connection->tenant->used = io_now_ms();
	if (!reply && !q->later && ((ops[i].flags & ON_RECORD) || f->code == FAIL_MARKED))
		audit_refusal(q->connection, q->map, op, f);
	return reply;
}

void dispatch(struct broker *b, struct connection *c, size_t n)
{
	struct failure f = { 0 };
	struct request q = { .broker = b, .connection = c, .pass = -1 };
	struct wire_out *reply = NULL;
	struct wire_in in;

	if (wire_parse(&in, b->packet, n, &f) == 0) {
		q.map = in.top;
		reply = serve_request(&q, &f);
	} else {
		/* Who cannot form a packet is not talked to further. */
		c->closing = true;
	}
	if (!reply && q.later) {
		wire_in_free(&in);
		return;
	}
	if (!reply) {
		if (f.code == FAIL_NONE)
			fail_set(&f, FAIL_NO_MEMORY, NULL, "no memory for an answer");
		reply = wire_error(&f);
	}
	if (wire_send(c->fd, reply, q.pass) != 0)
		c->closing = true;
	wire_out_free(reply);
	if (q.pass >= 0)
		close(q.pass);
	wire_in_free(&in);
	if (c->session.state == SESSION_NONE && !c->watcher && !c->fetching && !c->waiting && !c->taking[0])
		c->deadline = io_now_ms() + IDLE_DEADLINE_MS;
}
