/*
 * relay/session.h - the loop of one session: its connections, the broker's words, its end.
 */
#ifndef RELAY_SESSION_H
#define RELAY_SESSION_H

struct failure;
struct relay;

/*
 * Relay until the session or the broker's channel has ended; all that was secret is then
 * wiped.  If the channel has ended because the broker has, the requests until the session's
 * end are told so.  Returns 0, or -1 with f set: the broker does not speak the protocol.
 */
int session_run(struct relay *r, struct failure *f);

#endif
