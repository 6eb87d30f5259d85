/*
 * broker/held.c - end the sessions whose process was stopped when its terminal went.
 */
#include "broker/held.h"

#include <string.h>

#include "broker/peer.h"
#include "broker/relay.h"
#include "broker/session.h"
#include "broker/tenant.h"
#include "broker/ticket.h"

/* Ended before it is on record, unlike by a person: a full disk must not keep it from that. */
static void held_end(struct tenant *t, struct relay *r)
{
	struct audit_event e = { .event = "session-end",
				 .result = "done",
				 .why = "its process is stopped, and its terminal is gone",
				 .pid = r->process->pid,
				 .provider = r->session->provider,
				 .session = r->session->id };

	relay_end(r);
	ticket_revoke(t, r->session);
	audit_write(&t->audit, &e, NULL);
}

void held_check_session(struct tenant *t, const char *id)
{
	struct relay *r;

	for (r = id ? t->relays : NULL; r && strcmp(r->session->id, id) != 0; r = r->next)
		;
	/* id may be of the ticket that ends here. */
	if (r && !r->ended && peer_is_held(r->process))
		held_end(t, r);
}

void held_check(struct tenant *t, int64_t now)
{
	struct relay *r;

	if (now < t->next_held)
		return;
	t->next_held = now + HELD_MS;
	for (r = t->relays; r; r = r->next)
		if (!r->ended && peer_is_held(r->process))
			held_end(t, r);
}
