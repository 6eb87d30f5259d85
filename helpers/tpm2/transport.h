/*
 * helpers/tpm2/transport.h - connect to the TPM.
 */
#ifndef HELPERS_TPM2_TRANSPORT_H
#define HELPERS_TPM2_TRANSPORT_H

#include <tss2/tss2_tcti.h>

struct failure;

/* Restrict this process to what the transport needs (helpers/helper_cage.h).  0 or -1. */
int transport_cage(struct failure *f);

/*
 * Connect to the TPM of transport_name.  The caller frees the context with
 * Tss2_TctiLdr_Finalize.  NULL with f set on failure.
 */
TSS2_TCTI_CONTEXT *transport_open(struct failure *f);

#endif
