/*
 * broker/relay_metering.c - reserve and use, of a relay's channel.
 */
#include "broker/relay_metering.h"

#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "broker/connection.h"
#include "broker/relay.h"
#include "broker/session.h"
#include "broker/session_counted.h"
#include "broker/spending.h"
#include "broker/spending_refusal.h"
#include "broker/spent_table.h"
#include "broker/tenant.h"
#include "wire/pack.h"
#include "wire/prices.h"

#define MODEL_ROOM 512 /* bytes of a model's name on the wire; what is kept is shorter */

/* The model stands in the client's request, so it may be anything. */
static void read_model(char out[MODEL_ROOM], struct wire_map m)
{
	if (wire_get_text(m, "model", out, MODEL_ROOM, NULL) != 0)
		strcpy(out, "?");
}

void relay_serve_reserve(struct connection *c, struct wire_map m)
{
	struct spending_refusal refusal;
	uint64_t id, bytes;
	struct wire_out *o;
	char model[MODEL_ROOM];

	if (wire_get_uint(m, "id", &id, NULL) != 0 ||
	    wire_get_uint(m, "bytes", &bytes, NULL) != 0) {
		relay_cut(c->relay, "it sent a malformed message");
		return;
	}
	read_model(model, m);
	if (spending_reserve(c->tenant, session_counted_entry(&c->session), c->session.id, id,
			     bytes, model, &refusal) == 0) {
		o = wire_request("reserved");
		wire_put_uint(o, "id", id);
	} else {
		o = wire_request("refused");
		wire_put_uint(o, "id", id);
		wire_put_str(o, "message", refusal.message);
		wire_put_uint(o, "retry", refusal.retry);
	}
	if (wire_send(c->fd, o, -1) != 0)
		relay_cut(c->relay, "it took no answer");
	wire_out_free(o);
}

void relay_serve_passing(struct connection *c, struct wire_map m)
{
	uint64_t id, sent, output;

	if (wire_get_uint(m, "id", &id, NULL) != 0 || wire_get_uint(m, "sent", &sent, NULL) != 0 ||
	    wire_get_uint(m, "output", &output, NULL) != 0) {
		relay_cut(c->relay, "it sent a malformed message");
		return;
	}
	spending_pass(c->tenant, c->session.id, id, sent, output);
}

/* Numbers that are there only where they are known. */
static int read_tokens(struct use *u, struct wire_map m)
{
	const char *key;
	int i;

	for (i = 0; i < TOKEN_KINDS; i++) {
		key = token_kind_name((enum token_kind)i);
		u->known[i] = wire_has(m, key);
		if (u->known[i] && wire_get_uint(m, key, &u->tokens[i], NULL) != 0)
			return -1;
	}
	u->has_cost = wire_has(m, "cost");
	return u->has_cost ? wire_get_uint(m, "cost", &u->cost_micros, NULL) : 0;
}

/* Readers of JSON know no larger number. */
static void number_add(uint64_t *to, uint64_t n)
{
	if (__builtin_add_overflow(*to, n, to) || *to > INT64_MAX)
		*to = INT64_MAX;
}

static void sums_add(struct audit_sums *sums, bool failed, const struct spent *counted)
{
	int i;

	sums->requests++;
	sums->failed += failed;
	for (i = 0; i < TOKEN_KINDS; i++)
		number_add(&sums->tokens[i], counted->tokens[i]);
	number_add(&sums->micros, counted->micros);
	sums->estimated += counted->estimated;
	sums->unpriced += counted->unpriced;
}

static void interrupted_add(void *arg, const struct spent *counted)
{
	sums_add(arg, true, counted);
}

unsigned relay_count_interrupted(struct connection *c)
{
	struct audit_sums *sums = &c->relay->sums;
	uint64_t before = sums->requests;

	spending_release_session(c->tenant, c->session.id, interrupted_add, sums);
	return (unsigned)(sums->requests - before);
}

void relay_serve_use(struct connection *c, struct wire_map m)
{
	struct audit_event e = { .event = "spending", .session = c->session.id };
	struct use u = { .entry = session_counted_entry(&c->session),
			 .provider = c->session.provider,
			 .project = c->session.project,
			 .session = c->session.id };
	struct failure f = { 0 };
	char model[MODEL_ROOM];
	uint64_t id, status;
	struct spent counted;
	int r;

	if (wire_get_uint(m, "id", &id, NULL) != 0 ||
	    wire_get_uint(m, "status", &status, NULL) != 0 || read_tokens(&u, m) != 0 ||
	    wire_get_bool(m, "complete", &u.complete, NULL) != 0 ||
	    wire_get_bool(m, "billed", &u.billed, NULL) != 0 ||
	    wire_get_bool(m, "surcharged", &u.surcharged, NULL) != 0 ||
	    wire_get_uint(m, "bytes", &u.request_bytes, NULL) != 0 ||
	    wire_get_uint(m, "sent", &u.answer_bytes, NULL) != 0) {
		relay_cut(c->relay, "it sent a malformed message");
		return;
	}
	read_model(model, m);
	u.model = model;
	u.status = status < 1000 ? (unsigned)status : 0;
	/* Or the vault would be found idle, and locked, in the middle of a session's work. */
	c->tenant->used_ms = clock_now_ms();
	r = spending_settle(c->tenant, &u, id, &counted, &f);
	sums_add(&c->relay->sums, u.status / 100 != 2, &counted);
	if (r == 0)
		return;
	e.result = fail_name(f.code);
	e.why = f.what;
	audit_write(&c->tenant->audit, &e, NULL);
}
