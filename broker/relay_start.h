/*
 * broker/relay_start.h - the first message of a relay's channel: for which session it is, where
 * its keys go and under which header each.  docs/PROTOCOL.md has its fields.
 */
#ifndef BROKER_RELAY_START_H
#define BROKER_RELAY_START_H

struct failure;
struct request;
struct wire_out;

/*
 * Make it for the session of q's connection.  Where the keys may go is taken from what was
 * sealed with them, and only which proxy leads there from the request.  The caller frees it.
 * NULL with f set: an entry is not allowed any more (session_allowed_entry), keys are sealed for
 * different places (FAIL_ORIGIN), or a relay cannot carry them (FAIL_POLICY).
 */
struct wire_out *relay_start_build(struct request *q, struct failure *f);

#endif
