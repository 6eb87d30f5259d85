/*
 * helpers/tpm2/transport_name.c - the machine's TPM, and no other.
 *
 * MUST: nothing in the environment chooses it.  Who plays the TPM to which a slot's key
 * is sealed has the key.  Alone in its file, which the test build replaces
 * (tests/instead/helpers/tpm2/transport_name.c).
 */
#include "helpers/tpm2/transport_name.h"

/*
 * By the kernel's resource manager: other programs' objects cannot fill the TPM, and
 * the kernel flushes what we loaded when we are killed.
 */
const char *transport_name(void)
{
	return "device:/dev/tpmrm0";
}
