/*
 * helpers/tpm2/tpm.c - sealing and unsealing a key, with tpm2-tss's ESYS.
 * Every command that carries the key encrypts it under a session that only
 * this TPM can follow, so that nobody reads it from the bus.
 */
#include "helpers/tpm2/tpm.h"

#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <tss2/tss2_tctildr.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/tpm2/tpm_error.h"
#include "helpers/tpm2/transport.h"

#define NOT_THIS_ONE "it works on the machine where it was sealed, as long as that machine's TPM is not cleared"
#define AGAIN "remove the slot and add it again: ccctl slot add tpm2"

/* What ESYS's calls leave below the caller's frame; a few kilobytes. */
#define STACK_USED 65536

/*
 * The TCG's template of a storage root key on P-256 (TPM v2.0 Provisioning
 * Guidance, 7.5.1): from it and its seed a TPM derives the same key each time,
 * so nothing has to be kept in the TPM, and clearing the TPM ends it.
 */
static const TPM2B_PUBLIC parent_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
				    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
		.unique.ecc = { .x.size = 32, .y.size = 32 },
	},
};

/*
 * The object that holds the key.  fixedTPM and fixedParent: it cannot be moved
 * to another TPM.  userWithAuth with an empty password: whoever reaches the TPM
 * and has the blob can unseal, which is what "without a person" means; the blob
 * is in the vault's file, and the slot's promise is that both are needed on
 * this machine.  noDA: without a password there is nothing to guess, and
 * somebody else's wrong guesses must not lock this slot.
 *
 * No policy on PCRs: a new kernel, firmware or boot loader changes them, and a
 * slot that an update loses is worse than one that trusts the machine's boot.
 */
static const TPM2B_PUBLIC sealed_template = {
	.publicArea = {
		.type = TPM2_ALG_KEYEDHASH,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = SEALED_ATTRIBUTES,
		.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
	},
};

static const TPM2B_DATA no_data;
static const TPML_PCR_SELECTION no_pcrs;

/*
 * ESYS keeps the parameters of a command in two contexts of its own, in the
 * clear for the moment before they are encrypted, or after they were decrypted.
 * They are locked here and overwritten when they are freed.
 */
static int lock_contexts(struct tpm *c, struct failure *f)
{
	TSS2_SYS_CONTEXT *sys = NULL;

#ifdef M_PERTURB
	mallopt(M_PERTURB, 0xff);
#endif
	if (Esys_GetSysContext(c->esys, &sys) != TSS2_RC_SUCCESS ||
	    mlock(c->esys, malloc_usable_size(c->esys)) != 0 || mlock(sys, malloc_usable_size(sys)) != 0)
		return fail_set(f, FAIL_NOT_LOCKED_MEM, "raise RLIMIT_MEMLOCK (ulimit -l 1024)",
				"cannot keep a key in locked memory");
	return 0;
}

/* Overwrite what calls that have returned left on the stack. */
static void __attribute__((noinline)) wipe_stack(void)
{
	uint8_t below[STACK_USED];

	io_wipe(below, sizeof(below));
}

static TSS2_RC make_parent(struct tpm *c)
{
	static const TPM2B_SENSITIVE_CREATE no_password;

	return Esys_CreatePrimary(c->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				  &no_password, &parent_template, &no_data, &no_pcrs, &c->parent, NULL, NULL, NULL,
				  NULL);
}

/* Salted with a secret that only the holder of the parent's private part can read. */
static TSS2_RC make_session(struct tpm *c)
{
	static const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};

	return Esys_StartAuthSession(c->esys, c->parent, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
				     TPM2_SE_HMAC, &aes, TPM2_ALG_SHA256, &c->session);
}

/* what: TPMA_SESSION_DECRYPT the command's first parameter, _ENCRYPT the answer's. */
static TSS2_RC encrypts(struct tpm *c, TPMA_SESSION what)
{
	return Esys_TRSess_SetAttributes(c->esys, c->session, TPMA_SESSION_CONTINUESESSION | what, 0xff);
}

int tpm_open(struct tpm *c, struct failure *f)
{
	TSS2_RC rc;

	memset(c, 0, sizeof(*c));
	c->parent = c->session = ESYS_TR_NONE;
	c->tcti = transport_open(f);
	if (!c->tcti)
		return -1;
	rc = Esys_Initialize(&c->esys, c->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "start tpm2-tss", rc);
	if (lock_contexts(c, f) != 0)
		return -1;
	rc = make_parent(c);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "make the TPM's storage key", rc);
	rc = make_session(c);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "open an encrypted session with the TPM", rc);
	return 0;
}

static TSS2_RC parent_name(struct tpm *c, TPM2B_NAME *out)
{
	TPM2B_NAME *name = NULL;
	TSS2_RC rc = Esys_TR_GetName(c->esys, c->parent, &name);

	if (rc == TSS2_RC_SUCCESS)
		*out = *name;
	Esys_Free(name);
	return rc;
}

int tpm_seal(struct tpm *c, const uint8_t *key, TPM2B_SENSITIVE_CREATE *room, struct sealed *out,
	      struct failure *f)
{
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *public = NULL;
	TSS2_RC rc;

	rc = parent_name(c, &out->parent);
	if (rc == TSS2_RC_SUCCESS)
		rc = encrypts(c, TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT);
	if (rc == TSS2_RC_SUCCESS) {
		memset(room, 0, sizeof(*room));
		room->sensitive.data.size = KEY_BYTES;
		memcpy(room->sensitive.data.buffer, key, KEY_BYTES);
		rc = Esys_Create(c->esys, c->parent, c->session, ESYS_TR_NONE, ESYS_TR_NONE, room, &sealed_template,
				 &no_data, &no_pcrs, &private, &public, NULL, NULL, NULL);
		io_wipe(room, sizeof(*room));
		wipe_stack();
	}
	if (rc == TSS2_RC_SUCCESS) {
		out->public = *public;
		out->private = *private;
	}
	Esys_Free(private);
	Esys_Free(public);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_error(f, "seal the key", rc);
}

/* Is this the TPM, with the seed, that sealed s? */
static int same_parent(struct tpm *c, const struct sealed *s, struct failure *f)
{
	TPM2B_NAME mine;
	TSS2_RC rc = parent_name(c, &mine);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "name the TPM's storage key", rc);
	if (mine.size != s->parent.size || memcmp(mine.name, s->parent.name, mine.size) != 0)
		return fail_set(f, FAIL_WRONG_KEY, NOT_THIS_ONE, "this TPM did not seal the key, or was cleared since");
	return 0;
}

static int load(struct tpm *c, const struct sealed *s, ESYS_TR *object, struct failure *f)
{
	TSS2_RC rc = encrypts(c, 0);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(c->esys, c->parent, c->session, ESYS_TR_NONE, ESYS_TR_NONE, &s->private, &s->public,
			       object);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	/* The parent is the right one, so what it does not take was changed. */
	if (tpm_error_is_parameter(rc))
		return fail_set(f, FAIL_DAMAGED, AGAIN, "the sealed key is damaged: the TPM does not take it (0x%x)",
				rc);
	return tpm_error(f, "load the sealed key", rc);
}

static int unseal(struct tpm *c, ESYS_TR object, uint8_t *key, struct failure *f)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc = encrypts(c, TPMA_SESSION_ENCRYPT);
	int r;

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Unseal(c->esys, object, c->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (rc != TSS2_RC_SUCCESS)
		r = tpm_error(f, "unseal the key", rc);
	else if (data->size != KEY_BYTES)
		r = fail_set(f, FAIL_DAMAGED, AGAIN, "the sealed key is damaged: it has %u bytes", data->size);
	else
		r = 0;
	if (r == 0)
		memcpy(key, data->buffer, KEY_BYTES);
	if (data)
		io_wipe(data, sizeof(*data));
	Esys_Free(data);
	wipe_stack();
	return r;
}

int tpm_unseal(struct tpm *c, const struct sealed *s, uint8_t *key, struct failure *f)
{
	ESYS_TR object = ESYS_TR_NONE;
	int r;

	if (same_parent(c, s, f) != 0 || load(c, s, &object, f) != 0)
		return -1;
	r = unseal(c, object, key, f);
	Esys_FlushContext(c->esys, object);
	return r;
}

void tpm_close(struct tpm *c)
{
	if (c->session != ESYS_TR_NONE)
		Esys_FlushContext(c->esys, c->session);
	if (c->parent != ESYS_TR_NONE)
		Esys_FlushContext(c->esys, c->parent);
	/* Both are NULL-safe.  The contexts are overwritten as they are freed. */
	Esys_Finalize(&c->esys);
	Tss2_TctiLdr_Finalize(&c->tcti);
	/* Once more: a register that copied the key was still full, and the first
	 * call into a library that is bound lazily saves the registers. */
	wipe_stack();
}
