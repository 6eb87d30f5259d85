/*
 * helpers/tpm2/transport.c - connect to the machine's TPM.
 */
#include "helpers/tpm2/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "base/fail.h"
#include "helpers/helper_cage.h"
#include "helpers/tpm2/tpm_error.h"
#include "helpers/tpm2/transport_name.h"

#define DEVICE "device:/"

/* tpm2-tss does not report why a device cannot be opened, so try it first. */
static int transport_check_device(const char *path, struct failure *f)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return fail_set(
			f, FAIL_SYSTEM,
			"switch it on in the firmware (fTPM, PTT), or take another kind of slot",
			"no TPM: there is no %s", path);
	case EACCES:
	case EPERM:
		return fail_set(f, FAIL_SYSTEM,
				"join its group and log in again: sudo usermod -aG tss $USER",
				"no permission to use the TPM: %s", path);
	case EBUSY:
		return fail_set(f, FAIL_BUSY, "use /dev/tpmrm0, which many programs can",
				"another program holds the TPM: %s", path);
	default:
		return fail_errno(f, NULL, "cannot open the TPM %s", path);
	}
}

int transport_cage(struct failure *f)
{
	const char *transport = transport_name();
	struct helper_cage cage = { .device = NULL };

	if (strncmp(transport, DEVICE, strlen(DEVICE)) == 0)
		cage.device = transport + strlen(DEVICE) - 1;
	return helper_cage_enter(&cage, f);
}

TSS2_TCTI_CONTEXT *transport_open(struct failure *f)
{
	const char *transport = transport_name();
	TSS2_TCTI_CONTEXT *tcti = NULL;
	TSS2_RC rc;

	if (strncmp(transport, DEVICE, strlen(DEVICE)) == 0 &&
	    transport_check_device(transport + strlen(DEVICE) - 1, f) != 0)
		return NULL;
	rc = Tss2_TctiLdr_Initialize(transport, &tcti);
	if (rc != TSS2_RC_SUCCESS) {
		fail_set(f, FAIL_SYSTEM,
			 "is it there, and tpm2-tss's library for it installed (libtss2-tcti-*)?",
			 "cannot reach a TPM at %s (0x%x)", transport, rc);
		return NULL;
	}
	return tcti;
}
