/*
 * broker/session_counted.h - for which of its entries a session's requests are counted, and by
 * whose prices.
 */
#ifndef BROKER_SESSION_COUNTED_H
#define BROKER_SESSION_COUNTED_H

#include <stdbool.h>

struct entry;
struct failure;
struct session;

/*
 * The name of that entry, whatever their order: of the one whose key goes into the endpoint's
 * own header, since those in further headers go into the same requests; without one the first.
 */
const char *session_counted_entry(const struct session *s);

/* Is it inside another session?  It must not make its own requests cheaper: the prices that it
 * brings are not looked at. */
bool session_counts_by_other(const struct session *s);

/* FAIL_POLICY: e, one of the session's, has a limit, and the requests are counted for another
 * one, so that it would not hold. */
int session_check_counted(const struct session *s, const struct entry *e, struct failure *f);

#endif
