/*
 * helpers/tpm2/transport_name.h - which TPM seals and unseals.
 */
#ifndef HELPERS_TPM2_TRANSPORT_NAME_H
#define HELPERS_TPM2_TRANSPORT_NAME_H

/* In tpm2-tss's syntax: "device:/dev/tpmrm0". */
const char *transport_name(void);

#endif
