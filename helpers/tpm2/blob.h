/*
 * helpers/tpm2/blob.h - the format in which a vault slot stores a key that is
 * sealed to a TPM.  The blob is no secret: only that TPM can decrypt it.
 *
 *   size  field
 *   8     magic: the ASCII letters ccrtpm2, then the version, 1
 *   2, n  name of the parent key (TPM2B_NAME's bytes: hash algorithm, digest)
 *   2, n  public part, a marshalled TPM2B_PUBLIC
 *   2, n  private part, a marshalled TPM2B_PRIVATE, encrypted by the TPM
 *
 * The lengths are two bytes, little-endian as everywhere in the vault.  The
 * marshalled structures are the TPM's and big-endian.  Nothing follows the
 * private part.
 *
 * The parent key is derived again for each use, and its name is compared with the
 * one stored here.  A mismatch means another TPM (or one that was cleared), which
 * is not the same failure as a damaged blob; and an attacker between us and the
 * TPM cannot substitute a parent key of their own when the key is unsealed.
 */
#ifndef HELPERS_TPM2_BLOB_H
#define HELPERS_TPM2_BLOB_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>

struct failure;

#define BLOB_MAX 1024
#define KEY_BYTES 32

/*
 * The attributes of the sealed object.  tpm_seal sets them, blob_unpack refuses all
 * others.  tpm.c has the reasons.
 */
#define SEALED_ATTRIBUTES                                                            \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_USERWITHAUTH | \
	 TPMA_OBJECT_NODA)

/* A sealed key, unpacked. */
struct sealed {
	TPM2B_NAME parent; /* of the parent key */
	TPM2B_PUBLIC public;
	TPM2B_PRIVATE private;
};

/* Pack s into out (BLOB_MAX bytes of room) and set *n to the length.  0, or -1 with f set. */
int blob_pack(const struct sealed *s, uint8_t *out, size_t *n, struct failure *f);

/* Unpack and check n untrusted bytes.  0, or -1 with f set. */
int blob_unpack(const uint8_t *p, size_t n, struct sealed *s, struct failure *f);

#endif
