/*
 * broker/session.h - what was sealed for a session's entries, asked each time.
 */
#ifndef BROKER_SESSION_H
#define BROKER_SESSION_H

struct connection;
struct entry;
struct failure;

/*
 * Entry i of the connection's session as the vault has it now, if what was
 * sealed allows it still: asked at `open` and again at every release, since a
 * key may have got another endpoint or a tighter policy meanwhile.  NULL with
 * FAIL_NO_ENTRY, FAIL_LOCKED, FAIL_MARKED, FAIL_ORIGIN or FAIL_POLICY.  session.strict is
 * raised where the entry is strict.
 */
const struct entry *session_check_entry(struct connection *c, unsigned i, struct failure *f);

/* The session's secrets were handed over: use times, counts, its state. */
void session_mark_released(struct connection *c);

#endif
