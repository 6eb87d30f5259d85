/*
 * client/slots/host_key.h - this host's key pair, to which keyfiles are sealed: host.key
 * (secret) and host.pub beside the vault.
 */
#ifndef CLIENT_SLOTS_HOST_KEY_H
#define CLIENT_SLOTS_HOST_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/paths.h"
#include "vault/keyfile.h"

struct client;
struct failure;

/* Whose pair: this user's, or (for root) the system broker's. */
struct host_place {
	char dir[PATH_SIZE];
	bool system;
	uid_t owner; /* of the files */
};

/* system: the system broker's; FAIL_UNSAFE_PATH unless the caller is root.  0 or -1. */
int host_place_find(struct host_place *w, bool system, struct failure *f);

/*
 * Make a pair and write both files.  public_text: the line in host.pub.
 * FAIL_EXISTS: there is one.  0 or -1.
 */
int host_pair_make(struct client *c, const struct host_place *w, char public_text[HOST_PUBLIC_TEXT],
		   struct failure *f);

/* Read the pair; secret: HOST_SEED_LEN bytes in the arena.  FAIL_NO_ENTRY: none yet.  0 or -1. */
int host_pair_read(struct client *c, const struct host_place *w, uint8_t public[HOST_PUBLIC_LEN],
		   uint8_t *secret, struct failure *f);

/* The same, of this user's pair. */
int host_read(struct client *c, uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret,
	      struct failure *f);

/* The public key and the host's name in a host.pub file.  0 or -1. */
int host_read_public(const char *file, uint8_t public[HOST_PUBLIC_LEN],
		     char name[HOST_NAME_MAX + 1], struct failure *f);

/* This machine's name, as it is written to host.pub. */
void host_name(char out[HOST_NAME_MAX + 1]);

#endif
