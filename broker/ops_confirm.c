/*
 * broker/ops_confirm.c - confirm-wait, confirmations, confirm, confirm-deny, confirm-set:
 * launches that wait for a person's yes, and which do.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "broker/broker.h"
#include "broker/confirm.h"
#include "broker/fields.h"
#include "broker/ops.h"
#include "broker/person.h"
#include "broker/request.h"
#include "broker/session_counted.h"
#include "broker/spending.h"
#include "vault/entries.h"
#include "vault/entry.h"
#include "wire/pack.h"
#include "wire/policy.h"

#define ENTRIES_TEXT (SESSION_ENTRIES_MAX * (NAME_MAX_LEN + 1))

static const char *launch_state_name(const struct launch *l)
{
	static const char *const names[] = { [LAUNCH_WAITS] = "waits",
					     [LAUNCH_CONFIRMED] = "confirmed",
					     [LAUNCH_DENIED] = "denied",
					     [LAUNCH_LATE] = "late",
					     [LAUNCH_LOCKED] = "locked" };

	return names[l->state];
}

static void put_seconds_left(struct wire_out *o, const struct launch *l)
{
	int64_t left = l->ends_ms - clock_now_ms();

	wire_put_uint(o, "left", left > 0 ? (uint64_t)(left + 999) / 1000 : 0);
}

/*
 * What became of the calling process's own launch.  It names none: no other process's launch
 * can be asked about, or taken over.
 */
struct wire_out *op_confirm_wait(struct request *q, struct failure *f)
{
	const struct peer *p = &q->connection->peer;
	const struct launch *l = confirm_find_process(q->connection->tenant, p->pid, p->start);
	struct wire_out *o;

	if (!l) {
		fail_set(f, FAIL_NO_ENTRY, NULL, "no launch of this process waits for a yes");
		return NULL;
	}
	o = wire_ok();
	wire_put_str(o, "state", launch_state_name(l));
	wire_put_str(o, "id", l->id);
	put_seconds_left(o, l);
	return o;
}

/* The names of its entries, with blanks between. */
static void session_entries(const struct session *s, char out[ENTRIES_TEXT])
{
	size_t n = 0;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < s->entries; i++)
		n += (size_t)snprintf(out + n, ENTRIES_TEXT - n, "%s%s", i ? " " : "", s->entry[i]);
}

/* A path as the kernel has it: a str may have no control character, and whoever runs as the
 * user names files as he likes. */
static void put_path(struct wire_out *o, const char *key, const char *path)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", path);
	fail_sanitize(text);
	wire_put_str(o, key, text);
}

static void put_launch(struct wire_out *o, const struct tenant *t, const struct launch *l)
{
	const struct session *s = &l->facts.session;
	char entries[ENTRIES_TEXT], limit[LIMIT_TEXT] = "";
	struct limit most;

	session_entries(s, entries);
	if (spending_limit_of(t, session_counted_entry(s), &most, NULL) == 0)
		limit_format(&most, limit);
	wire_begin_item(o);
	wire_put_str(o, "id", l->id);
	wire_put_uint(o, "pid", (uint64_t)l->pid);
	wire_put_uint(o, "asked", l->asked_at);
	put_seconds_left(o, l);
	wire_put_str(o, "provider", s->provider);
	wire_put_str(o, "mode", s->mode);
	wire_put_str(o, "entries", entries);
	wire_put_str(o, "origin", s->origin[0]);
	wire_put_str(o, "delivery", delivery_name(s->delivery));
	wire_put_str(o, "limit", limit);
	put_path(o, "image", s->image);
	put_path(o, "directory", l->facts.directory);
	wire_put_str(o, "project", s->project);
	wire_put_str(o, "program", l->facts.program);
	wire_put_bool(o, "nested", s->marked || s->has_shown_ticket);
}

struct wire_out *op_confirmations(struct request *q, struct failure *f)
{
	const struct tenant *t = q->connection->tenant;
	struct wire_out *o = wire_ok();
	const struct launch *l;

	(void)f;
	wire_begin_array(o, "launches");
	for (l = t->launches; l; l = l->next)
		if (confirm_waits(l))
			put_launch(o, t, l);
	wire_end_array(o);
	return o;
}

static struct launch *find_requested_launch(struct request *q, struct failure *f)
{
	char id[CONFIRM_ID_LEN + 1];

	return wire_get_text(q->map, "id", id, sizeof(id), f) == 0
		       ? confirm_find(q->connection->tenant, id, f)
		       : NULL;
}

/* One line of the answer: who gave it, to whose launch. */
static int audit_answer(struct request *q, const struct launch *l, const char *event,
			struct failure *f)
{
	const struct session *s = &l->facts.session;
	char entries[ENTRIES_TEXT], why[320];
	struct audit_event e = { .event = event,
				 .result = "granted",
				 .pid = q->connection->peer.pid,
				 .provider = s->provider,
				 .entries = entries,
				 .delivery = delivery_name(s->delivery),
				 .why = why };

	session_entries(s, entries);
	snprintf(why, sizeof(why), "launch %s of process %d, %s", l->id, (int)l->pid, s->image);
	return audit_write(&q->connection->tenant->audit, &e, f);
}

struct wire_out *op_confirm(struct request *q, struct failure *f)
{
	struct launch *l = find_requested_launch(q, f);

	if (!l || audit_answer(q, l, "confirm", f) != 0)
		return NULL;
	confirm_answer(l, true);
	return wire_ok();
}

struct wire_out *op_confirm_deny(struct request *q, struct failure *f)
{
	struct launch *l = find_requested_launch(q, f);

	if (!l || audit_answer(q, l, "confirm-deny", f) != 0)
		return NULL;
	confirm_answer(l, false);
	return wire_ok();
}

struct wire_out *op_confirm_set(struct request *q, struct failure *f)
{
	struct tenant *t = q->connection->tenant;
	char name[NAME_MAX_LEN + 1], text[16];
	const struct entry *old;
	struct wire_out *o;
	struct policy p;
	struct entry e;
	int to;

	if (field_name(q->map, "name", name, f) != 0 ||
	    wire_get_text(q->map, "confirm", text, sizeof(text), f) != 0)
		return NULL;
	to = confirm_from_name(text);
	if (to < 0) {
		fail_set(f, FAIL_BAD_VALUE, NULL, "confirm is no, first or session, not '%s'",
			 text);
		return NULL;
	}
	old = vault_find(t->vault, name);
	if (!old) {
		fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'", name);
		return NULL;
	}
	e = *old;
	if (policy_parse(&p, e.policy, f) != 0 ||
	    (to < (int)p.confirm && person_require(q, f) != 0))
		return NULL;
	if (to != CONFIRM_NO && !person_has_slot(t->vault)) {
		fail_set(f, FAIL_PERSON, "ccctl slot add passphrase",
			 "nobody could say yes: no passphrase and no recovery code opens this "
			 "vault");
		return NULL;
	}
	p.confirm = (enum confirm)to;
	policy_format(&p, e.policy, sizeof(e.policy));
	if (request_audit(q, "confirm-set", name, f) != 0 || vault_put(t->vault, &e, f) != 0)
		return NULL;
	o = request_commit(q, f);
	if (o)
		confirm_forget(t, name);
	return o;
}
