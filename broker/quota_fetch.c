/*
 * broker/quota_fetch.c - quota numbers with a key that a relay alone uses.
 */
#include "broker/quota_fetch.h"

#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "broker/connection.h"
#include "broker/quota.h"
#include "broker/relay.h"
#include "broker/session.h"
#include "broker/tenant.h"
#include "wire/pack.h"
#include "wire/policy.h"
#include "wire/usage_place.h"

#define ERROR_SIZE 16

/* Which of the session's keys is the entry's; or -1. */
static int session_find_entry(const struct session *s, const char *entry)
{
	unsigned i;

	for (i = 0; i < s->entries; i++)
		if (strcmp(s->entry[i], entry) == 0)
			return (int)i;
	return -1;
}

struct relay *quota_fetch_find_relay(const struct connection *c, const char *entry)
{
	struct relay *r;

	for (r = c->tenant->relays; r; r = r->next)
		if (r->has_value && !r->ended && !r->cut && !r->fetch_id &&
		    session_find_entry(r->session, entry) >= 0)
			return r;
	return NULL;
}

struct wire_out *quota_fetch_failure(const char *origin, const char *error)
{
	struct wire_out *o = wire_ok();

	wire_put_bool(o, "fetch", true);
	wire_put_str(o, "origin", origin);
	wire_put_str(o, "error", error);
	return o;
}

/* Answer the worker that waits for r, if there is still one; o is freed. */
static void relay_answer_worker(struct relay *r, struct wire_out *o)
{
	struct connection *c = r->fetcher;

	r->fetch_id = 0;
	r->fetcher = NULL;
	if (c) {
		c->quota_relay = NULL;
		c->deadline = clock_now_ms() + QUOTA_PUT_DEADLINE_MS;
		/* Its end is heard like that of one that hangs up. */
		if (wire_send(c->fd, o, -1) != 0)
			shutdown(c->fd, SHUT_RDWR);
	}
	wire_out_free(o);
}

/* As it was sealed: the worker tells by it whether it may be asked, and in which currency
 * it answers. */
static const char *relay_origin(const struct relay *r)
{
	return r->session->origin[0];
}

void quota_fetch_abandon(struct relay *r)
{
	if (r->fetch_id)
		relay_answer_worker(r, quota_fetch_failure(relay_origin(r), "network"));
}

void quota_fetch_start(struct connection *c, struct relay *r, const char *entry,
		       const struct usage_place *place)
{
	struct wire_out *o = wire_request("fetch");

	r->fetch_id = ++r->fetches;
	r->fetcher = c;
	c->quota_relay = r;
	wire_put_uint(o, "id", r->fetch_id);
	wire_put_uint(o, "index", (uint64_t)session_find_entry(r->session, entry));
	wire_put_str(o, "path", place->path);
	wire_put_bool(o, "bearer", place->bearer);
	/* The relay's end, which follows, answers the worker. */
	if (wire_send(r->channel, o, -1) != 0)
		relay_cut(r, "it could not be told what to fetch");
	wire_out_free(o);
}

/* The relay's words for the worker, or NULL: it sent something else. */
static struct wire_out *answer_of(const struct relay *r, struct wire_map m)
{
	uint64_t status, retry;
	char error[ERROR_SIZE];
	const uint8_t *body;
	struct wire_out *o;
	size_t n;

	if (wire_has(m, "error"))
		return wire_get_text(m, "error", error, sizeof(error), NULL) == 0
			       ? quota_fetch_failure(relay_origin(r), error)
			       : NULL;
	if (wire_get_uint(m, "status", &status, NULL) != 0 ||
	    wire_get_uint(m, "retry", &retry, NULL) != 0 ||
	    wire_get_bin(m, "body", &body, &n, NULL) != 0)
		return NULL;
	o = wire_ok();
	wire_put_bool(o, "fetch", true);
	wire_put_str(o, "origin", relay_origin(r));
	wire_put_uint(o, "status", status);
	wire_put_uint(o, "retry", retry);
	wire_put_bin(o, "body", body, n);
	return o;
}

void quota_fetch_serve(struct connection *channel, struct wire_map m)
{
	struct relay *r = channel->relay;
	struct wire_out *o = NULL;
	uint64_t id;

	if (wire_get_uint(m, "id", &id, NULL) == 0 && r->fetch_id && id == r->fetch_id)
		o = answer_of(r, m);
	if (o)
		relay_answer_worker(r, o);
	else
		relay_cut(r, "it sent an answer that nobody asked for");
}

void quota_fetch_forget(struct connection *c)
{
	if (!c->quota_relay)
		return;
	/* What it is at still counts as its one fetch. */
	c->quota_relay->fetcher = NULL;
	c->quota_relay = NULL;
}
