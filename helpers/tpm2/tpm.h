/*
 * helpers/tpm2/tpm.h - a connection to a TPM that seals and unseals keys.
 * The only user of tpm2-tss's ESYS.
 */
#ifndef HELPERS_TPM2_TPM_H
#define HELPERS_TPM2_TPM_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tpm2_types.h>

#include "helpers/tpm2/blob.h"

struct failure;

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR parent;	 /* the storage root key, derived again for each connection */
	ESYS_TR session; /* encrypts the key on the way to the TPM and back */
};

/*
 * Connect to the machine's TPM (transport_name.h), derive the parent key and start the
 * session.  0, or -1 with f set; call tpm_close in both cases.
 */
int tpm_open(struct tpm *c, struct failure *f);

/*
 * Seal the KEY_BYTES at key into out.  room: locked memory for the library's copy
 * of the key, wiped before the return.  0, or -1 with f set.
 */
int tpm_seal(struct tpm *c, const uint8_t *key, TPM2B_SENSITIVE_CREATE *room, struct sealed *out,
	     struct failure *f);

/* Unseal s into key, KEY_BYTES of locked memory.  0, or -1 with f set. */
int tpm_unseal(struct tpm *c, const struct sealed *s, uint8_t *key, struct failure *f);

/* Flush what was loaded into the TPM, free the contexts, and wipe the key's traces in memory. */
void tpm_close(struct tpm *c);

#endif
