/*
 * broker/tenants.h - the table of tenants: the broker's own uid, or (the system broker)
 * every uid that connects.
 */
#ifndef BROKER_TENANTS_H
#define BROKER_TENANTS_H

#include <stdbool.h>
#include <sys/types.h>

struct broker;
struct failure;
struct tenant;

/* Open the tenants that are served from the start, and unlock those vaults that need
 * no person.  0 or -1. */
int tenants_start(struct broker *b, struct failure *f);

/* The tenant of uid, added if need be.  NULL with FAIL_PEER (this broker does not
 * serve it), FAIL_BUSY (all places are taken), or why it could not be opened. */
struct tenant *tenants_get(struct broker *b, uid_t uid, struct failure *f);

/* The tenant of uid if it is in the table; none is added.  NULL: it is not. */
struct tenant *tenants_find(struct broker *b, uid_t uid);

/* Has the system broker a vault of this uid?  Of one that it does not serve now, too; in doubt
 * it has.  A user broker answers no other uid, and says no. */
bool tenants_has_vault(const struct broker *b, uid_t uid);

/* Write the stop to every audit log and close all. */
void tenants_stop(struct broker *b);

#endif
