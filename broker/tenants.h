/*
 * broker/tenants.h - the uids that a broker serves: its own, or (the system
 * broker) whoever connects.
 */
#ifndef BROKER_TENANTS_H
#define BROKER_TENANTS_H

#include <sys/types.h>

struct broker;
struct failure;
struct tenant;

/* Open what is to be open from the start, and what can be opened without a
 * person.  0 or -1. */
int tenants_start(struct broker *b, struct failure *f);

/* The tenant of uid; NULL with FAIL_PEER (not served here), FAIL_BUSY, ... */
struct tenant *tenants_get(struct broker *b, uid_t uid, struct failure *f);

/* Put the end on record and close all. */
void tenants_stop(struct broker *b);

#endif
