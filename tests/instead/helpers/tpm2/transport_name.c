/*
 * tests/instead/helpers/tpm2/transport_name.c - the TPM that CCRUN_TPM2_TCTI names: a
 * software TPM of the test's.
 */
#include "helpers/tpm2/transport_name.h"

#include <stdlib.h>

const char *transport_name(void)
{
	const char *name = getenv("CCRUN_TPM2_TCTI");

	return name ? name : "device:/dev/tpmrm0";
}
