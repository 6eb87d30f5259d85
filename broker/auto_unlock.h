/*
 * broker/auto_unlock.h - unlock a vault with no person there: with a key that the
 * service manager handed over (a credential), or a keyfile sealed to this host.
 */
#ifndef BROKER_AUTO_UNLOCK_H
#define BROKER_AUTO_UNLOCK_H

#include <stddef.h>
#include <stdint.h>
#include "vault/host_key.h"
#include "vault/slot.h"

struct failure;
struct tenant;

/* Opened once at the start, while the sandbox does not forbid it yet. */
struct auto_unlock {
	int host;		 /* the directory of host.key, or -1 */
	int credentials;	 /* $CREDENTIALS_DIRECTORY, or -1 */
	char machine[BOUND_LEN]; /* the machine's id: binds the host's key to it */
};

/* host_dir: where host.key would be.  Neither directory needs to exist. */
void auto_unlock_start(struct auto_unlock *o, const char *host_dir);

enum auto_unlock_result {
	AUTO_UNLOCK_FAILED = -1, /* there is a credential or a keyfile, and it did not open it */
	AUTO_UNLOCK_NOTHING,	 /* there is neither, or no vault */
	AUTO_UNLOCK_OPENED
};

/*
 * Unlock t's vault with the credentials, else with the keyfile beside it; *kind (may
 * be NULL) says which did.  f says why AUTO_UNLOCK_FAILED.
 */
enum auto_unlock_result auto_unlock_try(struct tenant *t, enum slot_kind *kind, struct failure *f);

/* The public key that a keyfile for this host is sealed to.  FAIL_NO_ENTRY when the
 * host has no key pair; FAIL_UNSAFE_PATH, FAIL_DAMAGED. */
int auto_unlock_host_public(struct tenant *t, uint8_t public[HOST_PUBLIC_LEN], struct failure *f);

/* Would this keyfile (n bytes) open t's vault on this host?  0 or -1. */
int auto_unlock_check_keyfile(struct tenant *t, const uint8_t *keyfile, size_t n,
			      struct failure *f);

#endif
