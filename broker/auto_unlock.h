/*
 * broker/auto_unlock.h - what a broker opens by itself, with no person there: a keyfile
 * sealed to its host, and keys that the service manager handed over.
 */
#ifndef BROKER_AUTO_UNLOCK_H
#define BROKER_AUTO_UNLOCK_H

#include "vault/host_key.h"
#include "vault/slot.h"


struct failure;
struct tenant;

/* Where the broker's own things are; set once, before the cage. */
struct auto_unlock {
	int host;	 /* directory of host.key, or -1 */
	int credentials; /* $CREDENTIALS_DIRECTORY, or -1 */
	char machine[BOUND_LEN]; /* what ties the host's key to this machine */
};

/* host_dir: where host.key would be.  Remembers and opens; nothing need be there. */
void auto_unlock_start(struct auto_unlock *o, const char *host_dir);

enum auto_unlock_result {
	AUTO_UNLOCK_FAILED = -1, /* there is a credential or a keyfile, and it did not open it */
	AUTO_UNLOCK_NOTHING,	 /* there is neither, or no vault */
	AUTO_UNLOCK_OPENED
};

/*
 * Open t's vault with the credentials, then with the keyfile beside it; kind
 * (may be NULL) says which did.  f says why AUTO_UNLOCK_FAILED.
 */
enum auto_unlock_result auto_unlock_try(struct tenant *t, enum slot_kind *kind, struct failure *f);

/* The host's public key.  FAIL_NO_ENTRY when this broker's host has none. */
int auto_unlock_host_public(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN], struct failure *f);

/* Does the keyfile open t's vault on this host?  0 or -1. */
int auto_unlock_check_keyfile(struct tenant *t, const uint8_t *keyfile, size_t n, struct failure *f);

#endif
