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
struct own {
	int host;	 /* directory of host.key, or -1 */
	int credentials; /* $CREDENTIALS_DIRECTORY, or -1 */
	char machine[BOUND_LEN]; /* what ties the host's key to this machine */
};

/* host_dir: where host.key would be.  Remembers and opens; nothing need be there. */
void own_start(struct own *o, const char *host_dir);

enum own_result {
	OWN_FAILED = -1, /* there is a credential or a keyfile, and it did not open it */
	OWN_NOTHING,	 /* there is neither, or no vault */
	OWN_OPENED
};

/*
 * Open t's vault with the credentials, then with the keyfile beside it; kind
 * (may be NULL) says which did.  f says why OWN_FAILED.
 */
enum own_result own_open(struct tenant *t, enum slot_kind *kind, struct failure *f);

/* The host's public key.  FAIL_NO_ENTRY when this broker's host has none. */
int own_host(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN], struct failure *f);

/* Does the keyfile open t's vault on this host?  0 or -1. */
int own_check_keyfile(struct tenant *t, const uint8_t *keyfile, size_t n, struct failure *f);

#endif
