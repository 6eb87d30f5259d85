/*
 * vault/kdf_cost.h - what guessing a passphrase of a new slot costs.
 */
#ifndef VAULT_KDF_COST_H
#define VAULT_KDF_COST_H

#include <stdint.h>

/* libsodium's MODERATE: 3 passes over 256 MiB. */
void kdf_cost(uint64_t *ops, uint64_t *mem);

#endif
