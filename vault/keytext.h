/*
 * vault/keytext.h - a slot's key as one line of text, for the Secret Service and
 * for a systemd credential.
 */
#ifndef VAULT_KEYTEXT_H
#define VAULT_KEYTEXT_H

#include <stddef.h>
#include <stdint.h>
#include "vault/limits.h"
#include "wire/limits.h"

struct failure;

#define KEYTEXT_MAX 160 /* "ccrun-key-1 VAULT SLOT KEY\n", with its NUL */

/* text must be in the arena.  Returns its length. */
size_t keytext_format(const uint8_t vault[VAULT_ID_LEN], uint32_t slot, const uint8_t key[KEY_LEN],
		      char text[KEYTEXT_MAX]);

/* Read n bytes of text; the end of the line may be missing.  key: KEY_LEN bytes in the
 * arena.  0, or -1 with a zeroed key: FAIL_TRUNCATED (shorter than any), FAIL_DAMAGED. */
int keytext_parse(const char *text, size_t n, uint8_t vault[VAULT_ID_LEN], uint32_t *slot,
		  uint8_t *key, struct failure *f);

#endif
