/*
 * vault/keyfile.h - a slot's key outside the vault: sealed to a host's key
 * pair (keyfile), as one line of text (the Secret Service, a credential), and
 * as a code that a person writes down (recovery).  docs/VAULT.md has the bytes.
 * Nothing here touches a file.
 */
#ifndef VAULT_KEYFILE_H
#define VAULT_KEYFILE_H

#include <stddef.h>
#include <stdint.h>
#include "vault/vault.h"
#include "wire/limits.h"

struct failure;

/* ---- a host's key pair ---- */

#define HOST_PUBLIC_LEN 32
#define HOST_SEED_LEN 32
#define HOST_NAME_MAX 64
#define HOST_PUBLIC_TEXT 160 /* "ccrun-host-1 KEY NAME\n", with its NUL */
#define HOST_SECRET_TEXT 192 /* "ccrun-host-secret-1 SEED\n", with its NUL */
#define BOUND_LEN 64	     /* what ties a key pair to its machine: a machine id, or "" */

/*
 * The pair that seed makes on this machine: the secret half is derived from the
 * seed and the machine's id, so that a copied seed alone is not enough.
 * secret: HOST_SEED_LEN bytes in the arena.
 */
void host_pair(const uint8_t seed[HOST_SEED_LEN], const char *machine,
	       uint8_t public[HOST_PUBLIC_LEN], uint8_t *secret);

/* The two halves as text.  name: of the machine, for people; what is not
 * [A-Za-z0-9._-] becomes '-'.  text of the secret half must be in the arena. */
void host_public_format(const uint8_t public[HOST_PUBLIC_LEN], const char *name,
			char text[HOST_PUBLIC_TEXT]);
int host_public_parse(const char *text, size_t n, uint8_t public[HOST_PUBLIC_LEN],
		      char name[HOST_NAME_MAX + 1], struct failure *f);
void host_secret_format(const uint8_t seed[HOST_SEED_LEN], char text[HOST_SECRET_TEXT]);
int host_secret_parse(const char *text, size_t n, uint8_t seed[HOST_SEED_LEN], struct failure *f);

/* ---- a sealed keyfile ---- */

#define KEYFILE_LEN 174 /* all of them */

/* What anyone who can read it learns. */
struct keyfile_info {
	uint8_t vault[VAULT_ID_LEN];
	uint32_t slot;
	uint8_t host[HOST_PUBLIC_LEN];
};

/* Seal a slot's key to a host.  0, or -1 with zeros in out: info->host is no public key. */
int keyfile_seal(const struct keyfile_info *info, const uint8_t key[KEY_LEN],
		  uint8_t out[KEYFILE_LEN]);

/* FAIL_TRUNCATED, FAIL_DAMAGED, FAIL_NEWER.  A changed byte is damage, never newer. */
int keyfile_inspect(const uint8_t *file, size_t n, struct keyfile_info *info, struct failure *f);

/* key: KEY_LEN bytes in the arena.  FAIL_WRONG_KEY: sealed to another host. */
int keyfile_open(const uint8_t *file, size_t n, const uint8_t public[HOST_PUBLIC_LEN],
		 const uint8_t secret[HOST_SEED_LEN], uint8_t *key, struct failure *f);

/* ---- one line of text ---- */

#define KEYTEXT_MAX 160 /* "ccrun-key-1 VAULT SLOT KEY\n", with its NUL */

/* text must be in the arena.  Returns its length. */
size_t keytext_format(const uint8_t vault[VAULT_ID_LEN], uint32_t slot, const uint8_t key[KEY_LEN],
		      char text[KEYTEXT_MAX]);

/* A line's end is allowed.  FAIL_TRUNCATED (shorter than any can be), FAIL_DAMAGED;
 * key is zeros then. */
int keytext_parse(const char *text, size_t n, uint8_t vault[VAULT_ID_LEN], uint32_t *slot,
		  uint8_t *key, struct failure *f);

/* ---- a recovery code ---- */

#define RECOVERY_TEXT 36 /* six groups of five characters, with the hyphens and the NUL */

/* A fresh code, and the slot's key that it stands for.  Both in the arena. */
void recovery_make(char text[RECOVERY_TEXT], uint8_t *key);

/*
 * What was typed: case, blanks and hyphens do not matter, O is 0, I and L are
 * 1.  FAIL_BAD_VALUE says what is wrong with it; nothing has been tried then.
 */
int recovery_parse(const char *typed, size_t n, uint8_t *key, struct failure *f);

#endif
