/*
 * helpers/keyring/item.h - a slot's item in the keyring: schema
 * org.ccrun.VaultKey, attributes `vault` and `slot`, in the default collection.
 *
 * Every function returns 0, or -1 with f set, and none of them causes a dialog
 * of the service's unless k->prompt is set.
 */
#ifndef HELPERS_KEYRING_ITEM_H
#define HELPERS_KEYRING_ITEM_H

#include <stddef.h>

#include "helpers/keyring/service.h"

#define KEY_TEXT_MAX 256 /* bytes; 32 random bytes as text, and room for a prefix */

struct item_id {
	const char *vault; /* 32 hex digits */
	const char *slot;  /* decimal */
};

/* Is it a key's text: 1 to KEY_TEXT_MAX printable ASCII bytes?  whose: its name in the message. */
int item_check_text(const void *p, size_t n, const char *whose, struct failure *f);

/* Put n bytes of text there, in place of what was there, and read them back. */
int item_store(struct keyring *k, const struct item_id *id, const void *text, size_t n, struct failure *f);

/* *out: the key, in libsecret's locked memory; the caller unrefs it. */
int item_fetch(struct keyring *k, const struct item_id *id, SecretValue **out, struct failure *f);

/* Remove every item of this slot; FAIL_NO_ENTRY when there is none. */
int item_erase(struct keyring *k, const struct item_id *id, struct failure *f);

#endif
