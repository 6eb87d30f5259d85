/*
 * broker/person.h - what only a person may ask: to read a key, to change one, to change
 * what opens the vault.
 *
 * An open vault is no proof of a person, and neither is the key of a slot that answers
 * whoever asks (keyring, keyfile, credential, TPM).  So such a request is preceded by
 * `person`, on the same connection, with the key of a passphrase or recovery slot.
 * That counts for the next request alone, for half a minute, and for the vault that was
 * open then: none that is opened after it.
 */
#ifndef BROKER_PERSON_H
#define BROKER_PERSON_H

#include <stdbool.h>

struct connection;
struct failure;
struct request;
struct vault;

/* Did `person` come just before on this connection?  It is used up by the question:
 * asked once for each request, whatever that is. */
bool person_take(struct connection *c);

/* For a handler whose op is not PERSON in dispatch.c's table, or not always.
 * FAIL_PERSON unless a person's slot came with the request.  0 or -1. */
int person_require(struct request *q, struct failure *f);

/* Does one of the slots that open the vault show a person? */
bool person_has_slot(const struct vault *v);

#endif
