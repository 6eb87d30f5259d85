/*
 * vault/slot_wrap.c - wrapping the vault key in a slot, and unwrapping it.
 */
#include "vault/slot_wrap.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "base/fail.h"
#include "vault/crypto.h"
#include "vault/format.h"
#include "vault/limits.h"
#include "vault/slot.h"
#include "vault/slot_format.h"
#include "vault/vault_private.h"

/* The vault's id, then the slot's own bytes up to its nonce.  Returns the length. */
static size_t slot_ad(const uint8_t id[VAULT_ID_LEN], const struct slot *s,
		      uint8_t out[VAULT_ID_LEN + SLOT_MAX])
{
	uint8_t *end;

	memcpy(out, id, VAULT_ID_LEN);
	end = slot_write(out + VAULT_ID_LEN, s);
	return (size_t)(end - out) - NONCE_LEN - WRAPPED_LEN;
}

void slot_wrap(const struct vault *v, struct slot *s, const uint8_t key[KEY_LEN])
{
	uint8_t ad[VAULT_ID_LEN + SLOT_MAX];
	size_t n;

	random_fill(s->nonce, NONCE_LEN);
	n = slot_ad(v->id, s, ad);
	crypto_aead_xchacha20poly1305_ietf_encrypt(s->wrapped, NULL, v->key, KEY_LEN, ad, n, NULL,
						   s->nonce, key);
}

int slot_unwrap(struct vault *v, const struct slot *s, const uint8_t key[KEY_LEN],
		struct failure *f)
{
	uint8_t ad[VAULT_ID_LEN + SLOT_MAX];
	size_t n = slot_ad(v->id, s, ad);

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(v->key, NULL, NULL, s->wrapped, WRAPPED_LEN,
						       ad, n, s->nonce, key) == 0)
		return 0;
	return fail_set(f, FAIL_WRONG_KEY, NULL,
			"cannot open the vault: wrong %s for slot %" PRIu32,
			s->info.kind == SLOT_PASSPHRASE ? "passphrase" : "key", s->info.id);
}
