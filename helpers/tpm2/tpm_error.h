/*
 * helpers/tpm2/tpm_error.h - from a tpm2-tss return code to a failure with a hint.
 */
#ifndef HELPERS_TPM2_TPM_ERROR_H
#define HELPERS_TPM2_TPM_ERROR_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

struct failure;

/* Fill f from rc, which is not TSS2_RC_SUCCESS.  what was tried: "seal the key".  Returns -1. */
int tpm_error(struct failure *f, const char *what, TSS2_RC rc);

/* Did the TPM itself reject a parameter of the command? */
bool tpm_error_is_parameter(TSS2_RC rc);

#endif
