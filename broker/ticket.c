/*
 * broker/ticket.c - the tickets of a tenant's sessions.
 */
#include "broker/ticket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "broker/relay.h"
#include "broker/session.h"
#include "broker/session_counted.h"
#include "broker/tenant.h"
#include "vault/crypto.h"

int ticket_make(struct tenant *t, struct session *s, uint64_t linger, struct failure *f)
{
	uint8_t random[TICKET_LEN / 2];
	struct ticket *new, *k;
	unsigned n = 0;

	for (k = t->tickets; k; k = k->next)
		n++;
	if (n >= TICKETS_MAX)
		return fail_set(f, FAIL_BUSY, "end a session and try again",
				"%d sessions live or linger already", TICKETS_MAX);
	new = calloc(1, sizeof(*new));
	if (!new)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a session");
	random_fill(random, sizeof(random));
	hex_encode(new->text, random, sizeof(random));
	memcpy(new->root, s->id, sizeof(new->root));
	memcpy(new->entry, s->entry, sizeof(new->entry));
	memcpy(new->provider, s->provider, sizeof(new->provider));
	snprintf(new->counted, sizeof(new->counted), "%s", session_counted_entry(s));
	new->confirmed = s->confirmed;
	new->entries = s->entries;
	new->background = s->background;
	new->linger_ms = (int64_t)linger * 1000;
	memcpy(s->ticket, new->text, sizeof(s->ticket));
	memcpy(s->root, s->id, sizeof(s->root));
	new->next = t->tickets;
	t->tickets = new;
	return 0;
}

static bool ticket_is_for(const struct ticket *k, const char *entry)
{
	unsigned i;

	for (i = 0; i < k->entries; i++)
		if (strcmp(k->entry[i], entry) == 0)
			return true;
	return false;
}

static int ticket_fail_ended(struct failure *f)
{
	return fail_set(f, FAIL_MARKED,
			"start it outside the session, in another terminal; for agents that go on: "
			"ccrun PROVIDER --bg there, or linger (ccrun-provider(5))",
			"the session that this process belongs to has ended");
}

/* Are they entries of the session that the ticket is of? */
static int ticket_check_entries(const struct ticket *k, const struct session *s, struct failure *f)
{
	unsigned i;

	for (i = 0; i < s->entries; i++)
		if (!ticket_is_for(k, s->entry[i]))
			return fail_set(f, FAIL_MARKED,
					"start it outside the session, in another terminal",
					"inside a session only that session's own key can be used");
	/* Its limit is that session's: a further header's key alone is counted by itself. */
	if (strcmp(session_counted_entry(s), k->counted) != 0)
		return fail_set(f, FAIL_MARKED, "start it outside the session, in another terminal",
				"inside a session the key that its requests are counted for goes "
				"along");
	return 0;
}

static const struct ticket *ticket_find(const struct tenant *t, const char *text)
{
	const struct ticket *k;

	for (k = t->tickets; k && strcmp(k->text, text) != 0; k = k->next)
		;
	return k;
}

int ticket_show(struct tenant *t, struct session *s, const char *text, struct failure *f)
{
	const struct ticket *k = ticket_find(t, text);

	if (!k)
		return ticket_fail_ended(f);
	if (control_active(CONTROL_TICKET_ENTRY) && ticket_check_entries(k, s, f) != 0)
		return -1;
	memcpy(s->ticket, k->text, sizeof(s->ticket));
	memcpy(s->root, k->root, sizeof(s->root));
	/* The record, and what is counted, are not to name one that a session chose. */
	memcpy(s->provider, k->provider, sizeof(s->provider));
	s->has_shown_ticket = true;
	s->confirmed = k->confirmed;
	return 0;
}

/* Its sessions get no value any more; each ends with its own process. */
static void ticket_end(struct tenant *t, struct ticket **at)
{
	struct ticket *k = *at;
	struct relay *r;

	for (r = t->relays; r; r = r->next)
		if (strcmp(r->session->root, k->root) == 0 && !r->ended)
			relay_end(r);
	*at = k->next;
	free(k);
}

/* Where the ticket is that was made for the session of that id; *it is NULL when there is none. */
static struct ticket **ticket_of_root(struct tenant *t, const char *root)
{
	struct ticket **at;

	for (at = &t->tickets; *at && strcmp((*at)->root, root) != 0; at = &(*at)->next)
		;
	return at;
}

/* Has it a session, besides s, that nobody has ended? */
static bool ticket_is_used(const struct tenant *t, const struct ticket *k, const struct session *s)
{
	const struct relay *r;

	for (r = t->relays; r; r = r->next)
		if (r->session != s && !r->ended && strcmp(r->session->root, k->root) == 0)
			return true;
	return false;
}

bool ticket_is_there(const struct tenant *t, const char *root)
{
	const struct ticket *k;

	for (k = t->tickets; k && strcmp(k->root, root) != 0; k = k->next)
		;
	return k != NULL;
}

const char *ticket_root(const struct tenant *t, const char *text)
{
	const struct ticket *k = ticket_find(t, text);

	return k ? k->root : NULL;
}

int ticket_check(const struct tenant *t, const struct session *s, struct failure *f)
{
	return s->has_shown_ticket && !ticket_is_there(t, s->root) ? ticket_fail_ended(f) : 0;
}

void ticket_revoke_root(struct tenant *t, const char *root)
{
	struct ticket **at = ticket_of_root(t, root);

	if (*at)
		ticket_end(t, at);
}

void ticket_revoke(struct tenant *t, const struct session *s)
{
	const struct ticket *k = *ticket_of_root(t, s->root);

	if (k &&
	    (strcmp(k->root, s->id) == 0 || (k->background && k->over && !ticket_is_used(t, k, s))))
		ticket_revoke_root(t, s->root);
}

void ticket_session_ended(struct tenant *t, const struct session *s, int64_t now)
{
	struct ticket *k = *ticket_of_root(t, s->root);

	if (k) {
		k->over = k->over || strcmp(k->root, s->id) == 0;
		if (k->over && !k->expires_ms && !(k->background && ticket_is_used(t, k, s)))
			k->expires_ms = now + k->linger_ms;
	}
	tickets_expire(t, now);
}

void tickets_expire(struct tenant *t, int64_t now)
{
	struct ticket **at = &t->tickets;

	while (*at) {
		if ((*at)->expires_ms && now >= (*at)->expires_ms)
			ticket_end(t, at);
		else
			at = &(*at)->next;
	}
}

void tickets_free(struct tenant *t)
{
	while (t->tickets)
		ticket_end(t, &t->tickets);
}
