/*
 * broker/held.c - end the sessions whose process does not end with its terminal.
 */
#include "broker/held.h"

#include <string.h>

#include "base/clock.h"
#include "broker/peer.h"
#include "broker/relay.h"
#include "broker/session.h"
#include "broker/tenant.h"
#include "broker/ticket.h"

/* Ended before it is on record, unlike by a person: a full disk must not keep it from that. */
static void held_end(struct tenant *t, struct relay *r, const char *why)
{
	struct audit_event e = { .event = "session-end",
				 .result = "done",
				 .why = why,
				 .pid = r->process->pid,
				 .provider = r->session->provider,
				 .session = r->session->id };

	relay_end(r);
	ticket_revoke(t, r->session);
	audit_write(&t->audit, &e, NULL);
}

/* Has the process had its time, without the terminal that it was in the foreground of? */
static bool held_too_long(struct held *h, const struct peer *p, enum peer_terminal seen,
			  int64_t now)
{
	/* Once is enough, and the terminal that has gone is not missed a second time: a program
	 * of the session may put the client into the background, or have it open another one. */
	h->foreground |= seen == PEER_FOREGROUND;
	if (seen == PEER_TERMINAL_GONE && !h->until && h->foreground && !h->spared &&
	    !peer_ignores_hangup(p))
		h->until = now + HELD_MS;
	return h->until && now >= h->until;
}

static void held_look(struct tenant *t, struct relay *r, int64_t now)
{
	enum peer_terminal seen = peer_see_terminal(r->process);

	if (seen == PEER_NO_TERMINAL)
		return;
	if (seen == PEER_HELD)
		held_end(t, r, "its process is stopped, and its terminal is gone");
	else if (held_too_long(&r->held, r->process, seen, now))
		held_end(t, r, "its process has not ended, and its terminal is gone");
}

void held_begin(struct relay *r)
{
	enum peer_terminal seen = peer_see_terminal(r->process);

	r->held.foreground = seen == PEER_FOREGROUND;
	/* Later, a client may catch the signal that it was started to ignore. */
	r->held.spared = seen != PEER_NO_TERMINAL && peer_ignores_hangup(r->process);
}

void held_check_session(struct tenant *t, const char *id)
{
	struct relay *r;

	for (r = id ? t->relays : NULL; r && strcmp(r->session->id, id) != 0; r = r->next)
		;
	/* id may be of the ticket that ends here. */
	if (r && !r->ended)
		held_look(t, r, clock_now_ms());
}

void held_check(struct tenant *t, int64_t now)
{
	struct relay *r;

	if (now < t->next_held)
		return;
	t->next_held = now + HELD_MS;
	for (r = t->relays; r; r = r->next)
		if (!r->ended)
			held_look(t, r, now);
}
