/*
 * broker/ops_status.c - what anyone of the uid may know: hello, status, slots.
 */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "broker/broker.h"
#include "broker/dispatch.h"
#include "secure/arena.h"

struct wire_out *op_hello(struct request *q, struct failure *f)
{
	struct wire_out *o = wire_ok(4);

	(void)f;
	wire_str(o, "broker", "user");
	wire_str(o, "version", CCRUN_VERSION);
	wire_str(o, "state", tenant_state(q->connection->tenant));
	wire_str(o, "vault", q->connection->tenant->store.path);
	return o;
}

/* Evidence from the kernel, read now; what is inside the vault stays there. */
struct wire_out *op_status(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct broker *b = q->broker;
	struct wire_out *o = wire_ok(14);

	(void)f;
	wire_str(o, "broker", "user");
	wire_str(o, "version", CCRUN_VERSION);
	wire_str(o, "state", tenant_state(t));
	wire_str(o, "vault", t->store.path);
	wire_uint(o, "pid", (uint64_t)getpid());
	wire_uint(o, "started", b->started);
	wire_bool(o, "memory_locked", arena_verify(b->arena));
	wire_uint(o, "memory_size", arena_size(b->arena));
	wire_uint(o, "memory_used", arena_used(b->arena));
	wire_bool(o, "undumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	wire_bool(o, "untraced", proc_tracer(getpid()) == 0);
	wire_bool(o, "caged", prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2);
	wire_uint(o, "sessions", t->sessions);
	wire_uint(o, "releases", t->releases);
	return o;
}

static void slot_item(struct wire_out *o, const struct slot_info *s)
{
	bool kdf = s->kind == SLOT_PASSPHRASE;

	wire_item(o, kdf ? 8 : 4);
	wire_uint(o, "id", s->id);
	wire_str(o, "kind", slot_kind_name(s->kind));
	wire_str(o, "label", s->label);
	wire_uint(o, "created", s->created);
	if (!kdf)
		return;
	wire_uint(o, "alg", s->kdf.alg);
	wire_uint(o, "ops", s->kdf.ops);
	wire_uint(o, "mem", s->kdf.mem);
	wire_bin(o, "salt", s->kdf.salt, sizeof(s->kdf.salt));
}

struct wire_out *op_slots(struct request *q, struct failure *f)
{
	/* Too large for the stack of a loop; one broker, one thread. */
	static struct vault_public pub;
	struct wire_out *o;
	unsigned i;

	if (tenant_inspect(q->connection->tenant, &pub, f) != 0)
		return NULL;
	o = wire_ok(2);
	wire_uint(o, "generation", pub.generation);
	wire_array(o, "slots", pub.slots);
	for (i = 0; i < pub.slots; i++)
		slot_item(o, &pub.slot[i]);
	return o;
}
