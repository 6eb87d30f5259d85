/*
 * helpers/tpm2/tpm.h - a TPM that seals and unseals a key (the home of ESYS).
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
	ESYS_TR parent;	 /* the storage key, made anew each time */
	ESYS_TR session; /* encrypts what is secret, both ways */
};

/*
 * Connect to the TPM that CCRUN_TPM2_TCTI names (default: the machine's,
 * through the kernel's resource manager), make the parent key and the session.
 * 0, or -1; tpm_close is due in both cases.
 */
int tpm_open(struct tpm *c, struct failure *f);

/*
 * Seal KEY_BYTES of key.  room: locked memory for the library's form of it,
 * wiped before the return.
 */
int tpm_seal(struct tpm *c, const uint8_t *key, TPM2B_SENSITIVE_CREATE *room, struct sealed *out,
	      struct failure *f);

/* Unseal into key, KEY_BYTES of locked memory. */
int tpm_unseal(struct tpm *c, const struct sealed *s, uint8_t *key, struct failure *f);

/* Leave nothing in the TPM, and nothing of a key in the library's memory. */
void tpm_close(struct tpm *c);

#endif
