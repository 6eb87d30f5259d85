/*
 * broker/ops_session.c - open a session; hand a secret over in a pipe.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/sock.h"
#include "broker/broker.h"
#include "broker/confirm.h"
#include "broker/fields.h"
#include "broker/held.h"
#include "broker/image.h"
#include "broker/ops.h"
#include "broker/places.h"
#include "broker/price_list.h"
#include "broker/relay_headers.h"
#include "broker/request.h"
#include "broker/session.h"
#include "broker/session_counted.h"
#include "broker/spending.h"
#include "broker/spending_book.h"
#include "broker/spending_file.h"
#include "broker/ticket.h"
#include "broker/witness.h"
#include "vault/crypto.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "wire/pack.h"

#define PURPOSE_SIZE 32 /* bytes, with its NUL */

/* Entry i of the request. */
static int read_session_entry(struct request *q, unsigned i, struct session *s, struct failure *f)
{
	struct wire_map item;

	if (wire_get_item(q->map, "entries", i, &item, f) != 0 ||
	    wire_get_text(item, "name", s->entry[i], sizeof(s->entry[i]), f) != 0 ||
	    wire_get_text(item, "variable", s->variable[i], sizeof(s->variable[i]), f) != 0)
		return -1;
	return wire_get_text(item, "origin", s->origin[i], sizeof(s->origin[i]), f);
}

/* Variables that the files set, and that are sealed by their digest. */
static int read_session_env(struct request *q, struct session *s, struct failure *f)
{
	const uint8_t *lines;
	size_t n;

	if (!wire_has(q->map, "env"))
		return 0;
	if (wire_get_bin(q->map, "env", &lines, &n, f) != 0)
		return -1;
	if (n > ENV_SEALED_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "env is longer than %d bytes",
				ENV_SEALED_MAX);
	if (n == 0)
		return 0;
	seal_digest(s->env, lines, n);
	return relay_headers_take(s->headers, lines, n, f);
}

/* Optional; without it the session is confined as the kernel allows. */
static int read_session_confine(struct request *q, struct session *s, struct failure *f)
{
	char text[8];
	int c;

	s->confine = CONFINE_AUTO;
	if (!wire_has(q->map, "confine"))
		return 0;
	if (wire_get_text(q->map, "confine", text, sizeof(text), f) != 0)
		return -1;
	c = confine_from_name(text);
	if (c < 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "confine is auto, on or off, not '%s'",
				text);
	s->confine = (enum confine)c;
	return 0;
}

static int read_session(struct request *q, struct session *s, struct failure *f)
{
	char delivery[16];
	int d;

	if (wire_get_text(q->map, "provider", s->provider, sizeof(s->provider), f) != 0 ||
	    wire_get_text(q->map, "mode", s->mode, sizeof(s->mode), f) != 0 ||
	    wire_get_text(q->map, "delivery", delivery, sizeof(delivery), f) != 0 ||
	    wire_get_bool(q->map, "strict", &s->strict, f) != 0 ||
	    wire_get_array(q->map, "entries", &s->entries, f) != 0)
		return -1;
	/* Optional; without it an entry whose policy has a config_dir is refused. */
	if (wire_has(q->map, "config_dir") &&
	    wire_get_text(q->map, "config_dir", s->config_dir, sizeof(s->config_dir), f) != 0)
		return -1;
	if (wire_has(q->map, "project") &&
	    wire_get_text(q->map, "project", s->project, sizeof(s->project), f) != 0)
		return -1;
	if (wire_has(q->map, "background") &&
	    wire_get_bool(q->map, "background", &s->background, f) != 0)
		return -1;
	/* A session cannot decide that about what it starts. */
	s->background = s->background && !s->marked;
	if (read_session_env(q, s, f) != 0 || read_session_confine(q, s, f) != 0)
		return -1;
	d = delivery_from_name(delivery);
	if (d < 0 || d == DELIVERY_AUTO)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"delivery is relay, preload, pipe or env, not '%s'", delivery);
	s->delivery = (enum delivery)d;
	if (s->entries == 0 || s->entries > SESSION_ENTRIES_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a session has 1 to %d entries",
				SESSION_ENTRIES_MAX);
	if (s->delivery == DELIVERY_PIPE && s->entries != 1)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a pipe carries one secret");
	return 0;
}

/* The answer.  ccrun shows which manager the first entry's token comes from. */
static struct wire_out *reply_granted(struct connection *c)
{
	const struct entry *e = tenant_find_entry(c->tenant, c->session.entry[0], NULL);
	const char *ref = e && e->source ? e->source->ref : NULL;
	struct wire_out *o = wire_ok();
	char kind[NAME_MAX_LEN + 1];
	bool has_source = false;
	unsigned i;

	wire_put_bool(o, "granted", true);
	wire_put_str(o, "session", c->session.id);
	if (c->session.ticket[0])
		wire_put_str(o, "ticket", c->session.ticket);
	if (ref) {
		snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(ref, ":"), ref);
		wire_put_str(o, "source", kind);
	}
	for (i = 0; i < c->session.entries; i++) {
		e = tenant_find_entry(c->tenant, c->session.entry[i], NULL);
		has_source = has_source || (e && e->source);
	}
	/* ccrun leaves somebody behind who fetches again what a relay asks for. */
	if (has_source && c->session.delivery == DELIVERY_RELAY)
		wire_put_bool(o, "renewable", true);
	return o;
}

/*
 * Who shows a session's ticket wants to belong to it.  So does an unmarked process: what the
 * client starts in a terminal multiplexer or by a daemon is a child of that.  It could have
 * more without the ticket, and ends with the session by it.
 */
static int show_ticket(struct request *q, struct session *s, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char text[TICKET_LEN + 1];

	if (!wire_has(q->map, "ticket"))
		return 0;
	if (wire_get_text(q->map, "ticket", text, sizeof(text), f) != 0)
		return -1;
	/* If that session's process is held, there is no such ticket by now. */
	held_check_session(t, ticket_root(t, text));
	return ticket_show(t, s, text, f);
}

/* Background work is sessions inside this one. */
static int check_background(struct connection *c, struct failure *f)
{
	const struct entry *e;
	struct policy p;
	unsigned i;

	if (!c->session.background || c->session.delivery != DELIVERY_RELAY)
		return 0;
	for (i = 0; i < c->session.entries; i++) {
		e = tenant_find_entry(c->tenant, c->session.entry[i], f);
		if (!e || policy_parse(&p, e->policy, f) != 0)
			return -1;
		if (p.nested == NESTED_DENY)
			return fail_set(f, FAIL_POLICY,
					"without a background agent; or nested = use in its "
					"[policy] and ccctl approve",
					"%s lets a session start no other one (nested = deny), and "
					"agents in the background are such",
					c->session.entry[i]);
	}
	return 0;
}

static int make_ticket(struct connection *c, struct failure *f)
{
	uint64_t linger = UINT64_MAX;
	const struct entry *e;
	struct policy p;
	unsigned i;

	if (c->session.delivery != DELIVERY_RELAY || c->session.has_shown_ticket)
		return 0;
	/* The shortest, in whatever order they are asked for. */
	for (i = 0; i < c->session.entries; i++) {
		e = tenant_find_entry(c->tenant, c->session.entry[i], f);
		if (!e || policy_parse(&p, e->policy, f) != 0)
			return -1;
		if (p.linger < linger)
			linger = p.linger;
	}
	return ticket_make(c->tenant, &c->session, linger, f);
}

/* Which yes the provider's files want, which is more than the seal or nothing. */
static int read_confirm(struct request *q, enum confirm *asked, struct failure *f)
{
	char text[16];
	int c;

	*asked = CONFIRM_NO;
	if (!wire_has(q->map, "confirm"))
		return 0;
	if (wire_get_text(q->map, "confirm", text, sizeof(text), f) != 0)
		return -1;
	c = confirm_from_name(text);
	if (c < 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"confirm is no, first or session, not '%s'", text);
	*asked = (enum confirm)c;
	return 0;
}

/* Has a person said yes to this launch, where the seals or the files want that? */
static int check_confirmed(struct request *q, struct failure *f)
{
	struct session *s = &q->connection->session;
	enum confirm level[SESSION_ENTRIES_MAX], asked;
	char program[PROGRAM_SHOWN] = "";
	const struct entry *e;
	struct policy p;
	unsigned i;

	if (read_confirm(q, &asked, f) != 0 ||
	    (wire_has(q->map, "program") &&
	     wire_get_text(q->map, "program", program, sizeof(program), f) != 0))
		return -1;
	for (i = 0; i < s->entries; i++) {
		e = tenant_find_entry(q->connection->tenant, s->entry[i], f);
		if (!e || policy_parse(&p, e->policy, f) != 0)
			return -1;
		level[i] = p.confirm > asked ? p.confirm : asked;
	}
	return confirm_check(q->connection, level, program, f);
}

/* What a session is for that is no launch of the client, as the requester says. */
static int read_purpose(struct request *q, char out[PURPOSE_SIZE], struct failure *f)
{
	out[0] = '\0';
	if (!wire_has(q->map, "purpose"))
		return 0;
	return wire_get_text(q->map, "purpose", out, PURPOSE_SIZE, f);
}

/* One session a connection, and nothing else over it. */
static int open_check_connection(const struct broker *b, const struct connection *c,
				 struct failure *f)
{
	if (!session_may(&c->session, SESSION_OPEN))
		return fail_set(f, FAIL_IN_USE, "one session a connection",
				"this connection has a session");
	if (c->watcher || c->quota || c->renewer.names)
		return fail_set(f, FAIL_IN_USE, "connect once more",
				"this connection has another purpose");
	return places_check_session(b, c->tenant, f);
}

/* What is asked for, into the connection's session; is it allowed, by the seals and the ticket? */
static int open_read(struct request *q, struct price_list *prices, char purpose[PURPOSE_SIZE],
		     struct failure *f)
{
	struct connection *c = q->connection;
	struct session *s = &c->session;
	unsigned i;

	memset(s, 0, sizeof(*s));
	s->marked = q->marked;
	if (read_session(q, s, f) != 0 || price_list_read(prices, q->map, f) != 0 ||
	    read_purpose(q, purpose, f) != 0 || peer_check_namespaces(&c->peer, f) != 0)
		return -1;
	for (i = 0; i < s->entries; i++)
		if (read_session_entry(q, i, s, f) != 0)
			return -1;
	memcpy(s->prices, prices->digest, sizeof(s->prices));
	if (show_ticket(q, s, f) != 0)
		return -1;
	for (i = 0; i < s->entries; i++)
		if (!session_allowed_entry(c, i, f))
			return -1;
	/* For the audit log and a person's eyes: the process may exec or end before this is read. */
	if (witness_read_link(c->peer.pid, "exe", s->image, sizeof(s->image)) != 0)
		memset(s->image, 0, sizeof(s->image));
	return 0;
}

/* Give the session its name, and record it before it is granted. */
static int open_record(struct connection *c, const char *purpose, struct failure *f)
{
	struct audit_event e = { .event = "open", .result = "granted", .pid = c->peer.pid };
	struct session *s = &c->session;
	uint8_t id[8];

	random_fill(id, sizeof(id));
	hex_encode(s->id, id, sizeof(id));
	e.provider = s->provider;
	e.delivery = delivery_name(s->delivery);
	e.session = s->id;
	e.inside = s->has_shown_ticket ? s->root : NULL;
	e.image = s->image;
	e.why = purpose;
	return audit_write(&c->tenant->audit, &e, f);
}

struct wire_out *op_open(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct session *s = &c->session;
	char purpose[PURPOSE_SIZE];
	struct image_verdict image;
	struct price_list prices;

	if (open_check_connection(q->broker, c, f) != 0 || open_read(q, &prices, purpose, f) != 0)
		return NULL;
	if (image_admit(q, s, &image, f) <= 0)
		return image.ask;
	if (check_background(c, f) != 0 || check_confirmed(q, f) != 0 ||
	    image_keep(q, &image, f) != 0)
		return NULL;
	/* The ticket last: it ends with an opened session alone. */
	if (open_record(c, purpose, f) != 0 || make_ticket(c, f) != 0)
		return NULL;
	if (!session_counts_by_other(s) && wire_has(q->map, "prices"))
		spending_set_prices(c->tenant, session_counted_entry(s), &prices);
	confirm_granted(c);
	session_step(s, SESSION_OPEN);
	c->tenant->opened++;
	s->opened = (uint64_t)time(NULL);
	sock_allow_fds(c->fd);
	c->deadline = clock_now_ms() + CLAIM_DEADLINE_MS;
	return reply_granted(c);
}

/* The read end of a pipe that holds the token and is closed for writing.  -1: failed. */
static int make_filled_pipe(const struct entry *e, struct failure *f)
{
	int fds[2];
	ssize_t w;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return fail_errno(f, NULL, "cannot make a pipe");
	/* It holds a token and never waits, so no signal comes between. */
	w = write(fds[1], e->token, e->token_len);
	close(fds[1]);
	/* The program that reads it expects a blocking descriptor. */
	if (w != (ssize_t)e->token_len || fcntl(fds[0], F_SETFL, 0) != 0) {
		fail_set(f, FAIL_SYSTEM, NULL, "the pipe does not hold the token");
		close(fds[0]);
		return -1;
	}
	return fds[0];
}

struct wire_out *op_pipe(struct request *q, struct failure *f)
{
	struct connection *c = q->connection;
	struct audit_event e = { .event = "release",
				 .result = "granted",
				 .pid = c->peer.pid,
				 .provider = c->session.provider,
				 .entries = c->session.entry[0],
				 .delivery = delivery_name(c->session.delivery),
				 .session = c->session.id,
				 .image = c->session.image,
				 .gives = true };
	const struct entry *entry;

	if (!session_may(&c->session, SESSION_PIPE)) {
		fail_set(f, FAIL_POSTURE, "start it with ccrun",
			 "no session for a pipe is open here");
		return NULL;
	}
	if (!q->marked) {
		fail_set(f, FAIL_POSTURE, NULL, "process %d does not bear the session's mark",
			 (int)c->peer.pid);
		return NULL;
	}
	if (clock_now_ms() > c->deadline) {
		fail_set(f, FAIL_TIMEOUT, "start it again", "the request came too late");
		return NULL;
	}
	entry = session_allowed_entry(c, 0, f);
	if (!entry || session_check_confined(c, f) != 0)
		return NULL;
	if (audit_write(&c->tenant->audit, &e, f) != 0)
		return NULL;
	q->pass_fd = make_filled_pipe(entry, f);
	if (q->pass_fd < 0)
		return NULL;
	session_mark_released(c, SESSION_PIPE);
	return wire_ok();
}

static int fail_has_key(const char *provider, const char *entry, struct failure *f)
{
	return fail_set(f, FAIL_POLICY, "what its files say now would send it elsewhere, without",
			"provider %s has a key, '%s'", provider, entry);
}

/* One of the entries that its files speak of. */
static int keyless_check_named(struct request *q, const char *provider, struct failure *f)
{
	const struct vault *v = q->connection->tenant->vault;
	char name[NAME_MAX_LEN + 1];
	struct wire_map item;
	unsigned i, n;

	if (wire_get_array(q->map, "entries", &n, f) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (wire_get_item(q->map, "entries", i, &item, f) != 0 ||
		    field_name(item, "name", name, f) != 0)
			return -1;
		if (v && vault_find(v, name))
			return fail_has_key(provider, name, f);
	}
	return 0;
}

/* One with which requests of that provider went out, if it is still there: files that were
 * rewritten may speak of it no more.  Without a vault nobody can tell whether it is. */
static int keyless_check_used(struct tenant *t, const char *provider, struct failure *f)
{
	struct book *b;
	unsigned i;

	if (!t->book && !book_exists(&t->store))
		return 0;
	b = spending_book(t, f);
	if (!b)
		return -1;
	for (i = 0; i < b->table.n; i++)
		if (strcmp(b->table.row[i].provider, provider) == 0 &&
		    (!t->vault || vault_find(t->vault, b->table.row[i].entry)))
			return fail_has_key(provider, b->table.row[i].entry, f);
	return 0;
}

/*
 * A launch without a key, because a file of the user's says so: it has no session, and what
 * is sealed is not compared.  So none may begin where there is a key.
 */
struct wire_out *op_keyless(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	struct audit_event e = { .event = "keyless",
				 .result = "granted",
				 .pid = q->connection->peer.pid };
	char provider[NAME_MAX_LEN + 1];

	if (field_name(q->map, "provider", provider, f) != 0)
		return NULL;
	if (control_active(CONTROL_KEYLESS) &&
	    ((tenant_require_open(t, f) != 0 && f->code != FAIL_NO_VAULT) ||
	     keyless_check_named(q, provider, f) != 0 || keyless_check_used(t, provider, f) != 0))
		return NULL;
	e.provider = provider;
	return audit_write(&t->audit, &e, f) == 0 ? wire_ok() : NULL;
}
