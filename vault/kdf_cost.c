/*
 * vault/kdf_cost.c - the cost of new passphrase slots.  Alone in its file, which the
 * test build replaces (tests/instead/vault/kdf_cost.c): no setting makes it less.
 */
#include "vault/kdf_cost.h"

#include <sodium.h>

void kdf_cost(uint64_t *ops, uint64_t *mem)
{
	*ops = crypto_pwhash_argon2id_OPSLIMIT_MODERATE;
	*mem = crypto_pwhash_argon2id_MEMLIMIT_MODERATE;
}
