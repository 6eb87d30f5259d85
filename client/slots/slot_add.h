/*
 * client/slots/slot_add.h - adding a slot to the vault.
 */
#ifndef CLIENT_SLOTS_SLOT_ADD_H
#define CLIENT_SLOTS_SLOT_ADD_H

#include "vault/slot.h"

struct client;
struct failure;
struct new_slot;

/*
 * Add a slot of that kind to the open vault and say so; s as for slot_make, and freed.
 * The person is asked for if this run does not know one.  0 or -1.
 */
int slot_add(struct client *c, enum slot_kind kind, struct new_slot *s, struct failure *f);

#endif
