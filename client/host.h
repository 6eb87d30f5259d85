/*
 * client/host.h - this user's host key pair, to which keyfiles are sealed.
 */
#ifndef CLIENT_HOST_H
#define CLIENT_HOST_H

#include "client/common/common.h"
#include "vault/host_key.h"

struct failure;

/* Its pair; secret: HOST_SEED_LEN bytes in the arena.  FAIL_NO_ENTRY: none yet. */
int host_read(struct client *c, uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret, struct failure *f);

/* The public key in a HOST.pub file, and the host's name. */
int host_read_public(const char *file, uint8_t public[HOST_PUBLIC_LEN], char name[HOST_NAME_MAX + 1],
		     struct failure *f);

/* The machine's name, as it stands in host.pub. */
void host_name(char out[HOST_NAME_MAX + 1]);

#endif
