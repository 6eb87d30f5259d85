/*
 * broker/relay_value.c - give a relay its tokens, or have them fetched first.
 */
#include "broker/relay_value.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/fail.h"
#include "broker/broker.h"
#include "broker/held.h"
#include "broker/relay.h"
#include "broker/renewal.h"
#include "broker/session.h"
#include "broker/session_counted.h"
#include "broker/spending.h"
#include "broker/tenant.h"
#include "broker/witness.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "vault/tokens.h"
#include "wire/pack.h"

#define AWAIT_MS 40000	      /* for a manager without a terminal, which has 30 s */
#define FAILED_PAUSE_MS 15000 /* before a source that failed is asked again */

/* Renewals of one session after which its provider still refused the key, in a while: more
 * would run somebody's password manager in a circle. */
#define RENEWALS_MAX 3
#define RENEWALS_WINDOW_MS 600000

/*
 * May the session's process use its key now?  It bears the mark from before it became
 * the client, or what it starts could ask the broker like any other process.
 */
static int check_process(struct connection *c, struct failure *f)
{
	bool marked;

	if (peer_read_mark(&c->peer, &marked, f) != 0)
		return -1;
	if (marked || !control_active(CONTROL_MARKED_SESSION))
		return 0;
	return fail_set(f, FAIL_POSTURE, "start it with ccrun",
			"process %d does not bear the session's mark", (int)c->peer.pid);
}

static int send_token(struct connection *c, const struct entry *e, unsigned i, bool limited)
{
	struct wire_out *o = wire_request("value");
	int64_t now = clock_now_ms();
	int r;

	wire_put_uint(o, "index", i);
	wire_put_uint(o, "count", c->session.entries);
	wire_put_bool(o, "limited", limited);
	if (e->until)
		wire_put_uint(o, "expires", e->until > now ? (uint64_t)(e->until - now) / 1000 : 0);
	wire_put_secret(o, "token", e->token, e->token_len);
	r = wire_send(c->fd, o, -1);
	wire_out_free(o);
	return r;
}

static int audit_release(struct connection *c, struct failure *f)
{
	char names[SESSION_ENTRIES_MAX * (NAME_MAX_LEN + 1) + 1] = "";
	struct audit_event e = { .event = "release",
				 .result = "granted",
				 .why = "to the session's relay",
				 .entries = names,
				 .delivery = delivery_name(c->session.delivery),
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id,
				 .image = c->session.image,
				 .gives = true };
	char image[sizeof(c->session.image)];
	unsigned i;

	for (i = 0; i < c->session.entries; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
			 c->session.entry[i]);
	/* By now ccrun has become the client; where that can be read. */
	if (witness_read_link(c->peer.pid, "exe", image, sizeof(image)) == 0)
		memcpy(c->session.image, image, sizeof(image));
	return audit_write(&c->tenant->audit, &e, f);
}

static int give_value(struct connection *c, struct failure *f)
{
	bool limited = spending_limited(c->tenant, session_counted_entry(&c->session));
	const struct entry *e[SESSION_ENTRIES_MAX];
	unsigned i;

	if (c->relay->ended)
		return fail_set(f, FAIL_POLICY, "start another one", "this session was ended");
	if (tenant_require_open_or_kept(c->tenant, f) != 0 || check_process(c, f) != 0)
		return -1;
	for (i = 0; i < c->session.entries; i++) {
		e[i] = session_allowed_entry(c, i, f);
		if (!e[i])
			return -1;
	}
	if (session_check_confined(c, f) != 0 || audit_release(c, f) != 0)
		return -1;
	/* From here on it counts as given, whether or not it can be sent. */
	c->relay->has_value = true;
	c->relay->given_ms = clock_now_ms();
	session_count_release(c);
	for (i = 0; i < c->session.entries; i++)
		if (send_token(c, e[i], i, limited) != 0) {
			relay_cut(c->relay, "it took no key");
			break;
		}
	return 0;
}

/* A client that tries again and again while the vault is locked must not push the rest
 * out of the audit log: of refusals in a row that say the same, the first is written. */
static void audit_refused_value(struct connection *c, const struct failure *f)
{
	struct audit_event e = { .event = "release",
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id,
				 .result = fail_name(f->code),
				 .why = f->what };

	if (c->relay->refused != (int)f->code)
		audit_write(&c->tenant->audit, &e, NULL);
	c->relay->refused = (int)f->code;
}

static void send_no_value(struct connection *c, const struct failure *f)
{
	struct wire_out *o = wire_request("no-value");

	wire_put_str(o, "error", fail_name(f->code));
	wire_put_str(o, "message", f->what);
	wire_put_str(o, "hint", f->hint);
	if (wire_send(c->fd, o, -1) != 0)
		relay_cut(c->relay, "it took no answer");
	wire_out_free(o);
}

static void refuse_value(struct connection *c, const struct failure *f)
{
	audit_refused_value(c, f);
	send_no_value(c, f);
}

/* ---- tokens that are to be fetched ---- */

/* The first entry of the session whose token stays elsewhere and is not in memory, or NULL. */
static const struct entry *session_unfetched(const struct connection *c)
{
	const struct entry *e;
	unsigned i;

	for (i = 0; c->tenant->vault && i < c->session.entries; i++) {
		e = vault_find(c->tenant->vault, c->session.entry[i]);
		if (e && e->source && !e->token)
			return e;
	}
	return NULL;
}

/* Have a missing token fetched.  True: the relay waits for it, or was told why not. */
static bool await_token(struct broker *b, struct connection *c)
{
	const struct entry *e = session_unfetched(c);
	struct relay *r = c->relay;

	r->awaits[0] = '\0';
	if (!e || r->ended)
		return false;
	if (r->unfetched.code != FAIL_NONE && clock_now_ms() - r->unfetched_ms < FAILED_PAUSE_MS) {
		refuse_value(c, &r->unfetched);
		return true;
	}
	r->unfetched.code = FAIL_NONE;
	/* Set before somebody is asked, who may look for it. */
	memcpy(r->awaits, e->name, sizeof(r->awaits));
	r->await_until = clock_now_ms() + AWAIT_MS;
	if (renewal_ask(b, c->tenant, e->name))
		return true;
	r->awaits[0] = '\0';
	return false;
}

void relay_serve_value(struct broker *b, struct connection *c, struct wire_map m)
{
	struct failure f = { 0 };

	(void)m;
	held_check_session(c->tenant, c->session.id);
	held_check_session(c->tenant, c->session.root);
	if (await_token(b, c))
		return;
	if (give_value(c, &f) == 0)
		c->relay->refused = FAIL_NONE;
	else
		refuse_value(c, &f);
}

/* The relay of c has waited in vain. */
static void stop_awaiting(struct connection *c, const struct failure *why)
{
	struct relay *r = c->relay;

	r->awaits[0] = '\0';
	r->unfetched = *why;
	r->unfetched_ms = clock_now_ms();
	refuse_value(c, why);
}

static bool channel_awaits(const struct connection *c, const struct tenant *t, const char *name)
{
	return c->fd >= 0 && c->tenant == t && c->relay && strcmp(c->relay->awaits, name) == 0;
}

void relay_value_fetched(struct broker *b, const struct tenant *t, const char *name,
			 const struct failure *why)
{
	const struct wire_map none = { 0 };
	struct connection *c = b->connection;
	unsigned i;

	for (i = 0; i < b->places; i++, c++) {
		if (!channel_awaits(c, t, name))
			continue;
		/* A vault that was locked meanwhile is the better reason. */
		if (why && c->tenant->vault)
			stop_awaiting(c, why);
		else
			relay_serve_value(b, c, none);
	}
}

void relay_value_check(struct broker *b, struct connection *c)
{
	const struct wire_map none = { 0 };
	struct failure f = { 0 };

	if (!c->relay || !c->relay->awaits[0])
		return;
	if (!c->tenant->vault || !session_unfetched(c)) {
		relay_serve_value(b, c, none);
		return;
	}
	if (clock_now_ms() < c->relay->await_until && renewal_ask(b, c->tenant, c->relay->awaits))
		return;
	fail_set(&f, FAIL_SOURCE, NULL, "'%s' was not fetched from its source in time",
		 c->relay->awaits);
	fail_hint(&f, "ccctl get %s says why", c->relay->awaits);
	stop_awaiting(c, &f);
}

/* ---- renewal ---- */

static int count_renewal(struct relay *r, struct failure *f)
{
	int64_t now = clock_now_ms();

	if (r->renewals == 0 || now - r->renewals_since_ms > RENEWALS_WINDOW_MS) {
		r->renewals = 0;
		r->renewals_since_ms = now;
	}
	if (r->renewals < RENEWALS_MAX || !control_active(CONTROL_RENEWALS)) {
		r->renewals++;
		return 0;
	}
	return fail_set(f, FAIL_NO_VALUE, "is it the right key? ccctl approve, or another launch",
			"the provider refused the key that its source gave %d times", RENEWALS_MAX);
}

/*
 * Drop the tokens that this relay was given and that can be had again.  A token that
 * came later is what it wants.  -1: there is nothing to renew.
 */
static int drop_refused_tokens(const struct broker *b, struct connection *c, struct failure *f)
{
	char names[SESSION_ENTRIES_MAX * (NAME_MAX_LEN + 1) + 1] = "";
	struct audit_event e = { .event = "renew",
				 .result = "granted",
				 .why = "the provider refused the key",
				 .entries = names,
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .session = c->session.id };
	const char *drop[SESSION_ENTRIES_MAX];
	unsigned i, n = 0, newer = 0;
	const struct entry *entry;

	for (i = 0; c->tenant->vault && i < c->session.entries; i++) {
		entry = vault_find(c->tenant->vault, c->session.entry[i]);
		if (!entry || !entry->source)
			continue;
		if (!entry->token || entry->since > c->relay->given_ms)
			newer++;
		else if (renewal_possible(b, c->tenant, entry->name))
			drop[n++] = c->session.entry[i];
	}
	if (newer > 0)
		return 0;
	if (n == 0)
		return fail_set(f, FAIL_NO_VALUE,
				"is it the right key? ccctl keys shows its source",
				"nobody can fetch the key anew");
	if (count_renewal(c->relay, f) != 0)
		return -1;
	for (i = 0; i < n; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "",
			 drop[i]);
	if (audit_write(&c->tenant->audit, &e, f) != 0)
		return -1;
	for (i = 0; i < n; i++)
		vault_token_sleep(c->tenant->vault, drop[i]);
	return 0;
}

void relay_serve_renew(struct broker *b, struct connection *c, struct wire_map m)
{
	struct failure f = { 0 };

	if (drop_refused_tokens(b, c, &f) != 0)
		refuse_value(c, &f);
	else
		relay_serve_value(b, c, m);
}
