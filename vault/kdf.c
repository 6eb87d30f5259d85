/*
 * vault/kdf.c - Argon2id within bounds.
 */
#include "vault/kdf.h"

#include <inttypes.h>

#include <sodium.h>

#include "base/control.h"
#include "base/fail.h"
#include "vault/kdf_cost.h"

_Static_assert(KDF_ARGON2ID13 == crypto_pwhash_ALG_ARGON2ID13, "the vault's number is libsodium's");
_Static_assert(SALT_LEN == crypto_pwhash_SALTBYTES, "the vault's salt is libsodium's");

void kdf_fresh(struct kdf_params *p)
{
	p->alg = KDF_ARGON2ID13;
	kdf_cost(&p->ops, &p->mem);
	randombytes_buf(p->salt, sizeof(p->salt));
}

int kdf_check(const struct kdf_params *p, struct failure *f)
{
	static const char hint[] = "this is no vault that ccrun wrote; restore a backup";

	if (!control_active(CONTROL_KDF_BOUNDS))
		return 0;
	if (p->alg != KDF_ARGON2ID13)
		return fail_set(f, FAIL_KDF_BOUNDS, hint,
				"cannot derive a key: algorithm %" PRIu32 " is not Argon2id (%d)",
				p->alg, KDF_ARGON2ID13);
	if (p->ops < KDF_OPS_MIN || p->ops > KDF_OPS_MAX)
		return fail_set(f, FAIL_KDF_BOUNDS, hint,
				"cannot derive a key: %" PRIu64
				" passes are out of bounds (%d to %d)",
				p->ops, KDF_OPS_MIN, KDF_OPS_MAX);
	if (p->mem < KDF_MEM_MIN || p->mem > KDF_MEM_MAX)
		return fail_set(f, FAIL_KDF_BOUNDS, hint,
				"cannot derive a key: %" PRIu64
				" bytes of memory are out of bounds "
				"(%u MiB to %llu MiB)",
				p->mem, KDF_MEM_MIN >> 20, KDF_MEM_MAX >> 20);
	return 0;
}

int kdf_derive(const struct kdf_params *p, const void *pass, size_t n, uint8_t key[KEY_LEN],
	       struct failure *f)
{
	sodium_memzero(key, KEY_LEN);
	if (kdf_check(p, f))
		return -1;
	if (n > crypto_pwhash_PASSWD_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"cannot derive a key: the passphrase is too long");
	if (p->mem > SIZE_MAX || crypto_pwhash(key, KEY_LEN, pass ? pass : "", n, p->salt, p->ops,
					       (size_t)p->mem, (int)p->alg) != 0) {
		sodium_memzero(key, KEY_LEN);
		return fail_set(f, FAIL_NO_MEMORY, "close something, or use another slot",
				"cannot derive a key: no %" PRIu64 " MiB of memory for Argon2id",
				p->mem >> 20);
	}
	return 0;
}
