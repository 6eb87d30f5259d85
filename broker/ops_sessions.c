/*
 * broker/ops_sessions.c - list sessions, end one.
 */
#include <string.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/ops.h"
#include "broker/relay.h"
#include "broker/request.h"
#include "broker/session.h"
#include "broker/ticket.h"
#include "wire/pack.h"

static void put_session(struct wire_out *o, const struct connection *c)
{
	const struct session *s = &c->session;

	wire_begin_item(o);
	wire_put_str(o, "id", s->id);
	wire_put_str(o, "provider", s->provider);
	wire_put_str(o, "mode", s->mode);
	wire_put_str(o, "entry", s->entry[0]);
	wire_put_str(o, "delivery", delivery_name(s->delivery));
	wire_put_uint(o, "pid", (uint64_t)c->peer.pid);
	wire_put_uint(o, "since", s->opened);
	wire_put_str(o, "image", s->image);
	if (s->has_shown_ticket)
		wire_put_str(o, "inside", s->root);
	if (s->background)
		wire_put_bool(o, "background", true);
	if (!c->relay)
		return;
	wire_put_uint(o, "requests", c->relay->sums.requests);
	wire_put_uint(o, "refusals", c->relay->sums.refused);
	wire_put_bool(o, "has_value", c->relay->has_value);
	wire_put_bool(o, "ended", c->relay->ended);
}

static bool is_live_session(const struct connection *c, const struct tenant *t)
{
	return c->fd >= 0 && c->tenant == t && c->session.state == SESSION_LIVE;
}

/* One page, in the order of places, from the first behind "after" (a place's number). */
struct wire_out *op_sessions(struct request *q, struct failure *f)
{
	const struct connection *all = q->broker->connection;
	struct wire_out *o;
	uint64_t after;
	unsigned i, n = 0;

	if (wire_get_uint(q->map, "after", &after, f) != 0)
		return NULL;
	o = wire_ok();
	wire_begin_array(o, "sessions");
	for (i = after < q->broker->places ? (unsigned)after : q->broker->places;
	     i < q->broker->places && n < SESSIONS_PAGE; i++)
		if (is_live_session(&all[i], q->connection->tenant)) {
			put_session(o, &all[i]);
			n++;
		}
	wire_end_array(o);
	wire_put_uint(o, "next", i < q->broker->places ? i : 0);
	return o;
}

/* One that has ended, and whose ticket has not: those inside it go on. */
static struct wire_out *end_those_inside(struct request *q, const char *id, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct audit_event e = { .event = "session-end",
				 .result = "granted",
				 .pid = q->connection->peer.pid,
				 .session = id };

	if (!ticket_is_there(t, id)) {
		fail_set(f, FAIL_NO_ENTRY, "ccctl sessions lists them", "there is no session %s",
			 id);
		return NULL;
	}
	if (audit_write(&t->audit, &e, f) != 0)
		return NULL;
	ticket_revoke_root(t, id);
	return wire_ok();
}

struct wire_out *op_session_end(struct request *q, struct failure *f)
{
	struct audit_event e = { .event = "session-end",
				 .result = "granted",
				 .pid = q->connection->peer.pid };
	struct connection *c = q->broker->connection;
	char id[sizeof(c->session.id)];
	unsigned i;

	if (wire_get_text(q->map, "session", id, sizeof(id), f) != 0)
		return NULL;
	for (i = 0; i < q->broker->places; i++, c++)
		if (is_live_session(c, q->connection->tenant) && strcmp(c->session.id, id) == 0)
			break;
	if (i == q->broker->places)
		return end_those_inside(q, id, f);
	if (!c->relay) {
		fail_set(f, FAIL_POLICY, NULL,
			 "session %s has its key in its own memory (delivery %s)", id,
			 delivery_name(c->session.delivery));
		fail_hint(f, "end the process: kill %d", (int)c->peer.pid);
		return NULL;
	}
	e.session = id;
	e.provider = c->session.provider;
	if (audit_write(&c->tenant->audit, &e, f) != 0)
		return NULL;
	relay_end(c->relay);
	/* Or its process would have another one by starting a session inside. */
	ticket_revoke(c->tenant, &c->session);
	return wire_ok();
}
