/*
 * vault/keyfile.h - a slot's key in a file of its own, sealed to a host's key pair;
 * docs/VAULT.md has the bytes.  Nothing here touches a file.
 */
#ifndef VAULT_KEYFILE_H
#define VAULT_KEYFILE_H

#include <stddef.h>
#include <stdint.h>
#include "vault/host_key.h"
#include "vault/limits.h"
#include "wire/limits.h"

struct failure;

#define KEYFILE_LEN 174 /* bytes, of every keyfile */

/* What anyone who can read it learns. */
struct keyfile_info {
	uint8_t vault[VAULT_ID_LEN];
	uint32_t slot;
	uint8_t host[HOST_PUBLIC_LEN];
};

/* Seal a slot's key to info->host.  0, or -1 with zeros in out: that is no public key. */
int keyfile_seal(const struct keyfile_info *info, const uint8_t key[KEY_LEN],
		 uint8_t out[KEYFILE_LEN]);

/* Read what needs no key.  0, or -1 with FAIL_TRUNCATED, FAIL_DAMAGED, FAIL_NEWER; a
 * changed byte is damage, never newer. */
int keyfile_inspect(const uint8_t *file, size_t n, struct keyfile_info *info, struct failure *f);

/* key: KEY_LEN bytes in the arena.  As keyfile_inspect, and FAIL_WRONG_KEY: sealed to
 * another host. */
int keyfile_open(const uint8_t *file, size_t n, const uint8_t public[HOST_PUBLIC_LEN],
		 const uint8_t secret[HOST_SEED_LEN], uint8_t *key, struct failure *f);

#endif
