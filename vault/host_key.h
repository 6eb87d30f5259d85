/*
 * vault/host_key.h - the X25519 key pair of one machine and user, to which keyfiles
 * are sealed; docs/VAULT.md has the bytes.  Nothing here touches a file.
 */
#ifndef VAULT_HOST_KEY_H
#define VAULT_HOST_KEY_H

#include <stddef.h>
#include <stdint.h>

struct failure;

#define HOST_PUBLIC_LEN 32
#define HOST_SEED_LEN 32
#define HOST_NAME_MAX 64
#define HOST_PUBLIC_TEXT 160 /* "ccrun-host-1 KEY NAME\n", with its NUL */
#define HOST_SECRET_TEXT 192 /* "ccrun-host-secret-1 SEED\n", with its NUL */
#define BOUND_LEN 64	     /* what ties a key pair to its machine: a machine id, or "" */

/*
 * The key pair of a seed on this machine.  The secret half is derived from the seed
 * and the machine's id, so that a copied seed alone is not enough.  secret:
 * HOST_SEED_LEN bytes in the arena.
 */
void host_pair(const uint8_t seed[HOST_SEED_LEN], const char *machine,
	       uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret);

/* The public half as one line.  name: of the machine, for people; characters other
 * than [A-Za-z0-9._-] become '-'. */
void host_public_format(const uint8_t public[HOST_PUBLIC_LEN], const char *name,
			char text[HOST_PUBLIC_TEXT]);

/* Read n bytes of text; the end of the line may be missing.  0, or -1 with FAIL_DAMAGED. */
int host_public_parse(const char *text, size_t n, uint8_t public[HOST_PUBLIC_LEN],
		      char name[HOST_NAME_MAX + 1], struct failure *f);

/* The seed as one line; text must be in the arena. */
void host_secret_format(const uint8_t seed[HOST_SEED_LEN], char text[HOST_SECRET_TEXT]);

/* 0, or -1 with FAIL_DAMAGED and a zeroed seed. */
int host_secret_parse(const char *text, size_t n, uint8_t seed[HOST_SEED_LEN], struct failure *f);

#endif
