/*
 * helpers/tpm2/tpm_error.c - from a tpm2-tss return code to a failure with a hint.
 *
 * A code names the layer that it comes from.  The TPM's own codes have two formats
 * (TPM 2.0 part 2, 6.6); format one also has the number of the handle, parameter or
 * session that it is about.
 */
#include "helpers/tpm2/tpm_error.h"

#include <stddef.h>
#include <tss2/tss2_common.h>

#include "base/fail.h"

/* Without the bits that say which handle, parameter or session it is about. */
#define FORMAT_ONE(rc) ((rc) & (TPM2_RC_FMT1 | 0x3fu))
/* Format zero has such bits only in the TPM2_RC_REFERENCE_* warnings, which we cannot cause. */
#define FORMAT_ZERO(rc) ((rc)&0xffffu)

/* From the TPM, perhaps by way of a resource manager. */
static bool tpm_error_is_from_tpm(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

	return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER ||
	       layer == TSS2_RESMGR_TPM_RC_LAYER;
}

bool tpm_error_is_parameter(TSS2_RC rc)
{
	return tpm_error_is_from_tpm(rc) &&
	       ((rc & TPM2_RC_FMT1) != 0 || FORMAT_ZERO(rc) == TPM2_RC_SENSITIVE);
}

static int tpm_error_explain_format_one(struct failure *f, const char *what, TSS2_RC rc)
{
	switch (FORMAT_ONE(rc)) {
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_AUTH_FAIL:
		return fail_set(f, FAIL_POLICY,
				"take another kind of slot, or remove that password: "
				"tpm2_changeauth -c owner",
				"cannot %s: the TPM's owner hierarchy has a password", what);
	case TPM2_RC_HIERARCHY:
		return fail_set(
			f, FAIL_POLICY,
			"take another kind of slot, or enable the hierarchy in the firmware",
			"cannot %s: the TPM's owner hierarchy is switched off", what);
	default:
		return fail_set(f, FAIL_SYSTEM,
				"take another kind of slot, if this TPM cannot do it",
				"cannot %s: the TPM refused the command (0x%x)", what, rc);
	}
}

static int tpm_error_explain_format_zero(struct failure *f, const char *what, TSS2_RC rc)
{
	switch (FORMAT_ZERO(rc)) {
	case TPM2_RC_LOCKOUT:
		return fail_set(f, FAIL_BUSY,
				"wait, or end it with: tpm2_dictionarylockout --clear-lockout",
				"cannot %s: the TPM is locked after wrong passwords", what);
	case TPM2_RC_RETRY:
	case TPM2_RC_YIELDED:
	case TPM2_RC_TESTING:
	case TPM2_RC_CANCELED:
	case TPM2_RC_NV_RATE:
	case TPM2_RC_NV_UNAVAILABLE:
		return fail_set(f, FAIL_BUSY, "try again in a few seconds",
				"cannot %s: the TPM is busy (0x%x)", what, rc);
	case TPM2_RC_MEMORY:
	case TPM2_RC_OBJECT_MEMORY:
	case TPM2_RC_OBJECT_HANDLES:
	case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_SESSION_HANDLES:
	case TPM2_RC_CONTEXT_GAP:
		return fail_set(f, FAIL_BUSY,
				"other programs left things in it: use /dev/tpmrm0, or "
				"tpm2_flushcontext -t -l -s",
				"cannot %s: the TPM has no room (0x%x)", what, rc);
	case TPM2_RC_INITIALIZE:
		return fail_set(
			f, FAIL_SYSTEM,
			"the firmware starts a machine's TPM, tpm2_startup -c a simulator's",
			"cannot %s: the TPM was not started", what);
	default:
		return fail_set(f, FAIL_SYSTEM, NULL, "cannot %s: the TPM failed (0x%x)", what, rc);
	}
}

int tpm_error(struct failure *f, const char *what, TSS2_RC rc)
{
	if (tpm_error_is_from_tpm(rc))
		return (rc & TPM2_RC_FMT1) ? tpm_error_explain_format_one(f, what, rc)
					   : tpm_error_explain_format_zero(f, what, rc);
	switch (rc & ~TSS2_RC_LAYER_MASK) {
	case TSS2_BASE_RC_NO_CONNECTION:
	case TSS2_BASE_RC_IO_ERROR:
		return fail_set(f, FAIL_SYSTEM, "is the TPM there, and does nothing else hold it?",
				"cannot %s: no connection to the TPM (0x%x)", what, rc);
	case TSS2_BASE_RC_RSP_AUTH_FAILED:
		return fail_set(f, FAIL_PEER, "something stands between this program and the TPM",
				"cannot %s: the answer is not the TPM's own (0x%x)", what, rc);
	case TSS2_BASE_RC_MEMORY:
		return fail_set(f, FAIL_NO_MEMORY, NULL, "cannot %s: no memory", what);
	default:
		return fail_set(f, FAIL_SYSTEM, NULL, "cannot %s: tpm2-tss failed (0x%x)", what,
				rc);
	}
}
