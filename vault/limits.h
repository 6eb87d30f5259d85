/*
 * vault/limits.h - the sizes that a vault may have.
 */
#ifndef VAULT_LIMITS_H
#define VAULT_LIMITS_H

#define VAULT_FILE_MAX (512 * 1024) /* bytes; a larger file is refused before it is read */
#define VAULT_SLOTS_MAX 64
#define VAULT_ENTRIES_MAX 1024
#define VAULT_ID_LEN 16	       /* random bytes */
#define SLOT_LABEL_MAX 64      /* characters */
#define SLOT_MATERIAL_MAX 1024 /* bytes: a TPM's sealed blob, a host's public key */

#endif
