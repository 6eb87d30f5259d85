/*
 * helpers/tpm2/blob.h - the bytes that a vault slot keeps of a key that was
 * sealed to a TPM.  They are no secret: without that TPM they are noise.
 *
 *   size  field
 *   8     magic: the ASCII letters ccrtpm2, then the version, 1
 *   2, n  name of the parent key (TPM2B_NAME's bytes: hash algorithm, digest)
 *   2, n  public part, a marshalled TPM2B_PUBLIC
 *   2, n  private part, a marshalled TPM2B_PRIVATE, encrypted by the TPM
 *
 * The lengths are little-endian, as everywhere in the vault; what is inside is
 * the TPM's own and big-endian.  Nothing follows the private part.
 *
 * The parent's name is there because the parent is made anew each time: with
 * it, another TPM is told from damage, and somebody who stands between us and
 * the TPM with a parent of their own is found out when the key is unsealed.
 */
#ifndef HELPERS_TPM2_BLOB_H
#define HELPERS_TPM2_BLOB_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>

struct failure;

#define BLOB_MAX 1024
#define KEY_BYTES 32

/* Of the object that holds the key; `seal` makes no other, `unseal` takes no
 * other.  tpm.c says why. */
#define SEALED_ATTRIBUTES \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA)

struct sealed {
	TPM2B_NAME parent;
	TPM2B_PUBLIC public;
	TPM2B_PRIVATE private;
};

/* Into out, BLOB_MAX bytes.  Sets *n.  0 or -1. */
int blob_pack(const struct sealed *s, uint8_t *out, size_t *n, struct failure *f);

/* From n bytes that may be anybody's.  0 or -1. */
int blob_unpack(const uint8_t *p, size_t n, struct sealed *s, struct failure *f);

#endif
