/*
 * broker/ops_status.c - requests that need no key: hello, status, slots, slot, record.
 */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "broker/broker.h"
#include "broker/confirm.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/relay.h"
#include "broker/relay_keeper.h"
#include "broker/request.h"
#include "broker/tenant_vault.h"
#include "broker/sandbox.h"
#include "vault/arena.h"
#include "vault/entries.h"
#include "vault/inspect.h"
#include "vault/slot.h"
#include "vault/slots.h"
#include "vault/tokens.h"
#include "wire/pack.h"

/* The fields of `hello`: which broker, in what state, and why it is locked. */
static void put_broker_state(struct wire_out *o, struct request *q)
{
	struct tenant *t = q->connection->tenant;

	wire_put_str(o, "broker", q->broker->system ? "system" : "user");
	wire_put_str(o, "version", CCRUN_VERSION);
	wire_put_str(o, "state", tenant_vault_state(t));
	wire_put_str(o, "vault", t->store.path);
	/* With "start" the client may ask for `reopen`: nobody locked it. */
	wire_put_str(o, "why", lock_reason_name(t->lock_reason));
	wire_put_uint(o, "asleep", t->vault ? vault_tokens_asleep(t->vault) : 0);
	wire_put_bool(o, "watched", t->watched || q->broker->watched);
	wire_put_bool(o, "delays",
		      q->broker->watched ? !q->broker->undelayed : t->watched && !t->undelayed);
}

struct wire_out *op_hello(struct request *q, struct failure *f)
{
	struct wire_out *o = wire_ok();

	(void)f;
	put_broker_state(o, q);
	return o;
}

/* With whose uid a session's relay would run, if there can be one now. */
static const char *relay_place(const struct broker *b)
{
	if (relay_keeper_check(NULL) != 0)
		return relay_keeper_ended() ? "ended" : "none";
	return b->system ? "own-uid" : "user";
}

/* Read from the kernel now.  Nothing from inside the vault: any process of the uid may ask. */
struct wire_out *op_status(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct broker *b = q->broker;
	struct wire_out *o = wire_ok();

	(void)f;
	put_broker_state(o, q);
	wire_put_uint(o, "pid", (uint64_t)getpid());
	wire_put_uint(o, "started", b->started);
	wire_put_bool(o, "memory_locked", arena_verify(t->arena));
	wire_put_uint(o, "memory_size", arena_size(t->arena));
	wire_put_uint(o, "memory_used", arena_used(t->arena));
	wire_put_bool(o, "undumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	wire_put_bool(o, "untraced", proc_tracer(getpid()) == 0);
	wire_put_bool(o, "caged", prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2);
	wire_put_uint(o, "landlock", (uint64_t)sandbox_landlock());
	wire_put_uint(o, "connections", t->connections);
	wire_put_uint(o, "sessions", t->sessions);
	wire_put_uint(o, "relays", relays_count(t->relays));
	wire_put_uint(o, "releases", t->releases);
	wire_put_uint(o, "waiting", confirm_count(t));
	wire_put_uint(o, "locked_at", t->locked_at);
	wire_put_uint(o, "kept", t->kept ? vault_count(t->kept) - vault_tokens_asleep(t->kept) : 0);
	wire_put_str(o, "relay", relay_place(b));
	if (t->audit.news[0])
		wire_put_str(o, "record", t->audit.news);
	return o;
}

static void put_slot(struct wire_out *o, const struct slot_info *s)
{
	bool kdf = s->kind == SLOT_PASSPHRASE;

	wire_begin_item(o);
	wire_put_uint(o, "id", s->id);
	wire_put_str(o, "kind", slot_kind_name(s->kind));
	wire_put_str(o, "label", s->label);
	wire_put_uint(o, "created", s->created);
	if (!kdf)
		return;
	wire_put_uint(o, "alg", s->kdf.alg);
	wire_put_uint(o, "ops", s->kdf.ops);
	wire_put_uint(o, "mem", s->kdf.mem);
	wire_put_bin(o, "salt", s->kdf.salt, sizeof(s->kdf.salt));
}

/* Too large for the stack.  There is one thread. */
static struct vault_public pub;

struct wire_out *op_slots(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct wire_out *o;
	unsigned i;

	if (tenant_describe_vault(t, &pub, f) != 0)
		return NULL;
	o = wire_ok();
	wire_put_uint(o, "generation", pub.generation);
	wire_put_bin(o, "id", pub.id, sizeof(pub.id));
	if (t->vault)
		wire_put_uint(o, "next", vault_next_slot(t->vault));
	wire_begin_array(o, "slots");
	for (i = 0; i < pub.slots; i++)
		put_slot(o, &pub.slot[i]);
	return o;
}

/* One slot's material; all slots' would not fit into a packet. */
struct wire_out *op_slot(struct request *q, struct failure *f)
{
	struct wire_out *o;
	uint32_t id;
	unsigned i;

	if (field_slot(q->map, "id", &id, f) != 0 ||
	    tenant_describe_vault(q->connection->tenant, &pub, f) != 0)
		return NULL;
	for (i = 0; i < pub.slots && pub.slot[i].id != id; i++)
		;
	if (i == pub.slots) {
		fail_set(f, FAIL_NO_ENTRY, "ccctl slot list shows them", "there is no slot %u",
			 (unsigned)id);
		return NULL;
	}
	o = wire_ok();
	wire_put_str(o, "kind", slot_kind_name(pub.slot[i].kind));
	wire_put_bin(o, "material", pub.slot[i].material, pub.slot[i].material_len);
	return o;
}

/* So that the reader of the log can tell whether that line is still there. */
static void put_checkpoint(struct wire_out *o, const struct tenant *t)
{
	const struct checkpoint *c = &t->record.last;

	if (c->seq == 0)
		return;
	wire_put_uint(o, "checkpoint_seq", c->seq);
	wire_put_str(o, "checkpoint_hash", c->hash);
	wire_put_uint(o, "checkpoint_at", c->at);
}

/* A part of the audit log: the system broker's users cannot read its files. */
struct wire_out *op_audit_part(struct request *q, struct failure *f)
{
	static uint8_t part[LIST_PAGE];
	struct wire_out *o;
	uint64_t at, size;
	bool old = false;
	ssize_t n;

	if (wire_get_uint(q->map, "at", &at, f) != 0 ||
	    (wire_has(q->map, "old") && wire_get_bool(q->map, "old", &old, f) != 0))
		return NULL;
	n = audit_read(&q->connection->tenant->audit, old, at, part, sizeof(part), &size, f);
	if (n < 0)
		return NULL;
	o = wire_ok();
	wire_put_uint(o, "size", size);
	wire_put_bin(o, "part", part, (size_t)n);
	put_checkpoint(o, q->connection->tenant);
	return o;
}
