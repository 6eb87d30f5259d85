/*
 * broker/ticket.h - what lets a process of a session have a session of its own.
 *
 * A session by relay gets a ticket, a random text that its processes find in their
 * environment.  A process of a session that shows it may open a session by relay for
 * the same entries, where their policy says nested = use: it may use what the first
 * session may use, and never gets a value.  The ticket is no secret from the session:
 * it says which one a process belongs to, so that what it uses ends with that one.
 */
#ifndef BROKER_TICKET_H
#define BROKER_TICKET_H

#include <stdbool.h>
#include <stdint.h>
#include "wire/limits.h"

struct failure;
struct session;
struct tenant;

#define TICKETS_MAX 2048 /* of one tenant: live sessions, and those that linger */

struct ticket {
	struct ticket *next;
	char text[TICKET_LEN + 1];
	char root[17];			 /* the id of the session that it was made for */
	char provider[NAME_MAX_LEN + 1]; /* whose that session is */
	bool confirmed;			 /* that session, by a person where its entries want that */
	unsigned entries;
	char entry[SESSION_ENTRIES_MAX][NAME_MAX_LEN + 1];
	char counted[NAME_MAX_LEN + 1]; /* of these, the one that requests are counted for */
	bool background;    /* it is good until the last of its sessions ends, not that one */
	bool over;	    /* that session has ended */
	int64_t linger_ms;  /* how long it outlives them */
	int64_t expires_ms; /* clock_now_ms(), once they have ended; else 0 */
};

/* Make the ticket of a session that was opened outside any session, and note it there.
 * linger: seconds.  FAIL_BUSY, FAIL_NO_MEMORY. */
int ticket_make(struct tenant *t, struct session *s, uint64_t linger, struct failure *f);

/*
 * The opening session s shows this ticket: it belongs to the ticket's session then, and is one
 * of that session's provider, whatever it said.
 * FAIL_MARKED: it is no ticket, or of other entries than s asks for.
 */
int ticket_show(struct tenant *t, struct session *s, const char *text, struct failure *f);

/* May the session, which was opened, still be used?  FAIL_MARKED: it showed a ticket that has
 * ended meanwhile. */
int ticket_check(const struct tenant *t, const struct session *s, struct failure *f);

/*
 * A session has ended.  If it was a ticket's, that begins to linger, or it ends and
 * with it every session that was opened by it; one of background work, when the last
 * session of the ticket has ended.
 */
void ticket_session_ended(struct tenant *t, const struct session *s, int64_t now);

/* The id of the session that the ticket was made for, which is the ticket's; NULL: it is none. */
const char *ticket_root(const struct tenant *t, const char *text);

/* The session is ended, whose process may go on: if the ticket was made for it, or it is
 * the last of background work, none of the ticket's sessions gets a value any more, and nobody
 * can show it. */
void ticket_revoke(struct tenant *t, const struct session *s);

/* Is there a ticket that was made for the session of that id, which may have ended? */
bool ticket_is_there(const struct tenant *t, const char *root);

/* End it, if there is one, as ticket_revoke does. */
void ticket_revoke_root(struct tenant *t, const char *root);

/* End what has lingered long enough. */
void tickets_expire(struct tenant *t, int64_t now);

/* Forget all of a tenant that is closed. */
void tickets_free(struct tenant *t);

#endif
