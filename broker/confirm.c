/*
 * broker/confirm.c - the launches of a tenant that wait for a person's yes.
 */
#include "broker/confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "broker/connection.h"
#include "broker/tenant.h"
#include "broker/witness.h"
#include "vault/crypto.h"

/* ---- what is wanted ---- */

static struct first_launch **first_find(struct tenant *t, const char *entry)
{
	struct first_launch **at;

	for (at = &t->first_launches; *at && strcmp((*at)->entry, entry) != 0; at = &(*at)->next)
		;
	return at;
}

/* The first entry that wants a yes and has none yet, or NULL.  *wanted: does any want one? */
static const char *confirm_find_missing(const struct connection *c, const enum confirm *level,
					bool *wanted)
{
	const struct session *s = &c->session;
	unsigned i;

	*wanted = false;
	for (i = 0; i < s->entries; i++) {
		*wanted = *wanted || level[i] != CONFIRM_NO;
		if (level[i] == CONFIRM_SESSION ||
		    (level[i] == CONFIRM_FIRST && !*first_find(c->tenant, s->entry[i])))
			return s->entry[i];
	}
	return NULL;
}

static void facts_read(const struct connection *c, const char *program, struct launch_facts *out)
{
	/* By memcpy, padding too: they are compared as bytes, so that what a session gets later is
	 * compared as well. */
	memset(out, 0, sizeof(*out));
	memcpy(&out->session, &c->session, sizeof(out->session));
	if (witness_read_link(c->peer.pid, "cwd", out->directory, sizeof(out->directory)) != 0)
		memset(out->directory, 0, sizeof(out->directory));
	snprintf(out->program, sizeof(out->program), "%s", program);
}

/* ---- the table ---- */

static void launch_remove(struct launch **at)
{
	struct launch *l = *at;

	*at = l->next;
	free(l);
}

static bool launch_is_of(const struct launch *l, pid_t pid, uint64_t start)
{
	return l->pid == pid && l->start == start;
}

struct launch *confirm_find_process(const struct tenant *t, pid_t pid, uint64_t start)
{
	struct launch *l;

	for (l = t->launches; l && !launch_is_of(l, pid, start); l = l->next)
		;
	return l;
}

bool confirm_waits(const struct launch *l)
{
	struct proc_stat st;

	return l->state == LAUNCH_WAITS && proc_stat(l->pid, &st) == 0 && st.state != 'Z' &&
	       st.start == l->start;
}

unsigned confirm_count(const struct tenant *t)
{
	const struct launch *l;
	unsigned n = 0;

	for (l = t->launches; l; l = l->next)
		n += confirm_waits(l);
	return n;
}

struct launch *confirm_find(const struct tenant *t, const char *id, struct failure *f)
{
	struct launch *l;

	for (l = t->launches; l; l = l->next)
		if (strcmp(l->id, id) == 0 && confirm_waits(l))
			return l;
	fail_set(f, FAIL_NO_ENTRY, "ccctl confirm lists them", "no launch of that id waits");
	return NULL;
}

/* Room for one more, where one has ended or its process has. */
static int launches_make_room(struct tenant *t, struct failure *f)
{
	struct launch **at, **oldest = NULL;
	unsigned n = 0;

	for (at = &t->launches; *at; at = &(*at)->next) {
		if ((*at)->state != LAUNCH_CONFIRMED && !confirm_waits(*at))
			oldest = at;
		n++;
	}
	if (n < CONFIRM_LAUNCHES_MAX)
		return 0;
	if (!oldest)
		return fail_set(f, FAIL_BUSY, "ccctl confirm lists them",
				"%d launches wait for a person's yes already",
				CONFIRM_LAUNCHES_MAX);
	launch_remove(oldest);
	return 0;
}

/* Let the process of c wait: in place of what it asked for before, if that was something else. */
static int launch_ask(struct connection *c, const struct launch_facts *facts, struct failure *f)
{
	struct tenant *t = c->tenant;
	uint8_t id[CONFIRM_ID_LEN / 2];
	struct launch *l = confirm_find_process(t, c->peer.pid, c->peer.start);

	if (!l) {
		if (launches_make_room(t, f) != 0)
			return -1;
		l = calloc(1, sizeof(*l));
		if (!l)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a launch");
		l->pid = c->peer.pid;
		l->start = c->peer.start;
		l->next = t->launches;
		t->launches = l;
	}
	random_fill(id, sizeof(id));
	hex_encode(l->id, id, sizeof(id));
	l->state = LAUNCH_WAITS;
	l->unsaid = false;
	l->ends_ms = clock_now_ms() + CONFIRM_WAIT_MS;
	l->asked_at = (uint64_t)time(NULL);
	memcpy(&l->facts, facts, sizeof(l->facts));
	return 0;
}

/* ---- the decision ---- */

int confirm_check(struct connection *c, const enum confirm *level, const char *program,
		  struct failure *f)
{
	struct session *s = &c->session;
	struct launch_facts facts;
	const struct launch *l;
	const char *entry;
	bool wanted, same;

	/* Inside a session that a person said yes to: that one's yes, to use by relay. */
	if ((s->has_shown_ticket && s->confirmed && s->delivery == DELIVERY_RELAY) ||
	    !control_active(CONTROL_CONFIRM))
		return 0;
	entry = confirm_find_missing(c, level, &wanted);
	if (!entry) {
		s->confirmed = wanted;
		return 0;
	}
	/* A person's slot is compared with the file then, which can be exchanged. */
	if (!c->tenant->vault)
		return fail_set(f, FAIL_LOCKED, "ccctl unlock",
				"'%s' is used only after a person's yes, and the vault is locked",
				entry);
	facts_read(c, program, &facts);
	l = confirm_find_process(c->tenant, c->peer.pid, c->peer.start);
	same = l && secret_equal(&l->facts, &facts, sizeof(facts));
	if (same && l->state == LAUNCH_CONFIRMED && clock_now_ms() < l->ends_ms) {
		/* It might be another process's message, whose pid this one has now. */
		if (c->unverified)
			return fail_set(f, FAIL_PEER, "say hello first",
					"the calling process is not verified yet");
		s->confirmed = true;
		return 0;
	}
	if (!(same && l->state == LAUNCH_WAITS) && launch_ask(c, &facts, f) != 0)
		return -1;
	return fail_set(f, FAIL_CONFIRM, "ccctl confirm, on a terminal of yours",
			"'%s' is used only after a person's yes, which this launch waits for",
			entry);
}

void confirm_granted(struct connection *c)
{
	struct tenant *t = c->tenant;
	struct launch **at;
	struct first_launch *first;
	unsigned i;

	for (at = &t->launches; *at && !launch_is_of(*at, c->peer.pid, c->peer.start);
	     at = &(*at)->next)
		;
	if (!*at)
		return;
	/* One that has not enough memory to note it asks once more. */
	for (i = 0; (*at)->state == LAUNCH_CONFIRMED && i < c->session.entries; i++) {
		if (*first_find(t, c->session.entry[i]))
			continue;
		first = calloc(1, sizeof(*first));
		if (!first)
			break;
		memcpy(first->entry, c->session.entry[i], sizeof(first->entry));
		first->next = t->first_launches;
		t->first_launches = first;
	}
	launch_remove(at);
}

/* ---- how a launch ends ---- */

static void launch_end(struct launch *l, enum launch_state how, int64_t now)
{
	l->state = how;
	l->unsaid = how != LAUNCH_DENIED;
	l->ends_ms = now + CONFIRM_TOLD_MS;
}

void confirm_answer(struct launch *l, bool yes)
{
	int64_t now = clock_now_ms();

	if (!yes) {
		launch_end(l, LAUNCH_DENIED, now);
		return;
	}
	l->state = LAUNCH_CONFIRMED;
	l->ends_ms = now + CONFIRM_TAKE_MS;
}

static void firsts_free(struct tenant *t)
{
	struct first_launch *first;

	while ((first = t->first_launches)) {
		t->first_launches = first->next;
		free(first);
	}
}

void confirm_lock(struct tenant *t)
{
	int64_t now = clock_now_ms();
	struct launch *l;

	for (l = t->launches; l; l = l->next)
		if (l->state == LAUNCH_WAITS || l->state == LAUNCH_CONFIRMED)
			launch_end(l, LAUNCH_LOCKED, now);
	firsts_free(t);
}

void confirm_forget(struct tenant *t, const char *entry)
{
	struct first_launch **at = first_find(t, entry), *first = *at;

	if (first) {
		*at = first->next;
		free(first);
	}
}

static void launch_audit_end(struct tenant *t, struct launch *l)
{
	struct audit_event e = { .event = "confirm",
				 .result = fail_name(l->state == LAUNCH_LOCKED ? FAIL_LOCKED
									       : FAIL_TIMEOUT),
				 .pid = l->pid,
				 .provider = l->facts.session.provider,
				 .entries = l->facts.session.entry[0],
				 .image = l->facts.session.image,
				 .why = l->id };

	audit_write(&t->audit, &e, NULL);
	l->unsaid = false;
}

void confirm_expire(struct tenant *t, int64_t now)
{
	struct launch **at = &t->launches;

	while (*at) {
		bool due = now >= (*at)->ends_ms;

		if (due && ((*at)->state == LAUNCH_WAITS || (*at)->state == LAUNCH_CONFIRMED)) {
			launch_end(*at, LAUNCH_LATE, now);
			due = false;
		}
		if ((*at)->unsaid)
			launch_audit_end(t, *at);
		if (due)
			launch_remove(at);
		else
			at = &(*at)->next;
	}
}

void confirm_free(struct tenant *t)
{
	while (t->launches)
		launch_remove(&t->launches);
	firsts_free(t);
}
