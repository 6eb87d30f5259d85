/*
 * helpers/keyring/item.h - a slot's item in the keyring: schema
 * org.ccrun.VaultKey, attributes `vault` and `slot`, in the default collection.
 *
 * Every function returns 0, or -1 with f set.  None lets the service show a dialog
 * unless k->prompt is set.
 */
#ifndef HELPERS_KEYRING_ITEM_H
#define HELPERS_KEYRING_ITEM_H

#include <stddef.h>

#include "helpers/keyring/service.h"

#define KEY_TEXT_MAX 256 /* bytes: 32 random bytes as text, and a prefix */

struct item_id {
	const char *vault; /* 32 hex digits */
	const char *slot;  /* decimal */
};

/* Check that p is 1 to KEY_TEXT_MAX printable ASCII bytes.  whose: what a message calls it. */
int item_check_text(const void *p, size_t n, const char *whose, struct failure *f);

/* Store n bytes of text as the slot's item, replacing an older one; read it back to check. */
int item_store(struct keyring *k, const struct item_id *id, const void *text, size_t n,
	       struct failure *f);

/* Read the slot's key: *out is in libsecret's locked memory; the caller unrefs it. */
int item_fetch(struct keyring *k, const struct item_id *id, SecretValue **out, struct failure *f);

/* Remove every item of this slot; FAIL_NO_ENTRY when there is none. */
int item_erase(struct keyring *k, const struct item_id *id, struct failure *f);

#endif
