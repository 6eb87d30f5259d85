/*
 * helpers/tpm2/transport.h - the way to the TPM.
 */
#ifndef HELPERS_TPM2_TRANSPORT_H
#define HELPERS_TPM2_TRANSPORT_H

#include <tss2/tss2_tcti.h>

struct failure;

/*
 * Open the way that CCRUN_TPM2_TCTI names, else the machine's TPM through the
 * kernel's resource manager.  NULL with f set; else Tss2_TctiLdr_Finalize it.
 */
TSS2_TCTI_CONTEXT *transport_open(struct failure *f);

#endif
