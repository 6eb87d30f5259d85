/*
 * helpers/tpm2/tpm_error.h - what a TPM's return code means to a person.
 */
#ifndef HELPERS_TPM2_TPM_ERROR_H
#define HELPERS_TPM2_TPM_ERROR_H

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

struct failure;

/* Fill f from rc.  what: what was tried ("seal the key").  Returns -1. */
int tpm_error(struct failure *f, const char *what, TSS2_RC rc);

/* Did the TPM itself say that an argument of the command is wrong? */
bool tpm_error_is_parameter(TSS2_RC rc);

#endif
