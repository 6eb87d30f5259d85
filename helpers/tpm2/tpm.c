/*
 * helpers/tpm2/tpm.c - seal and unseal a key with tpm2-tss's ESYS.
 *
 * The key travels to and from the TPM encrypted under a session whose secret only
 * this TPM knows, so that it cannot be read from the bus.
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

#define HINT_OTHER_TPM                                                                       \
	"it works on the machine where it was sealed, as long as that machine's TPM is not " \
	"cleared"
#define HINT_ADD_AGAIN "remove the slot and add it again: ccctl slot add tpm2"

/* Bytes of stack to overwrite: ESYS's calls use a few kilobytes. */
#define STACK_USED 65536

/*
 * The TCG's template of a storage root key on P-256 (TPM v2.0 Provisioning
 * Guidance, 7.5.1).  From the template and its seed a TPM derives the same key
 * each time, so nothing has to be stored in the TPM.  Clearing the TPM replaces
 * the seed, and what was sealed before is lost.
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
 * The object that holds the key.
 *   fixedTPM, fixedParent: it cannot be moved to another TPM.
 *   userWithAuth, empty password: whoever can use the TPM and has the blob can
 *     unseal.  The slot opens the vault without a person, so there is nobody to
 *     type a password.  The protection is that an attacker needs the vault file
 *     and this machine.
 *   noDA: not subject to the dictionary-attack lockout.  There is no password to
 *     guess, and wrong guesses at other objects must not lock this slot.
 * No policy on PCRs: an update of the kernel, firmware or boot loader would change
 * them and make the slot useless.
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
 * ESYS holds a command's parameters in its own two contexts, in plaintext before
 * it encrypts them and after it decrypts them.  Lock both in memory; M_PERTURB
 * makes glibc's free overwrite them.
 */
static int tpm_lock_contexts(struct tpm *c, struct failure *f)
{
	TSS2_SYS_CONTEXT *sys = NULL;

#ifdef M_PERTURB
	mallopt(M_PERTURB, 0xff);
#endif
	if (Esys_GetSysContext(c->esys, &sys) != TSS2_RC_SUCCESS ||
	    mlock(c->esys, malloc_usable_size(c->esys)) != 0 ||
	    mlock(sys, malloc_usable_size(sys)) != 0)
		return fail_set(f, FAIL_NOT_LOCKED_MEM, "raise RLIMIT_MEMLOCK (ulimit -l 1024)",
				"cannot keep a key in locked memory");
	return 0;
}

/* Overwrite the stack below this frame: calls that have returned left copies there. */
static void __attribute__((noinline)) tpm_wipe_stack(void)
{
	uint8_t below[STACK_USED];

	io_wipe(below, sizeof(below));
}

static TSS2_RC tpm_create_parent(struct tpm *c)
{
	static const TPM2B_SENSITIVE_CREATE no_password;

	return Esys_CreatePrimary(c->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
				  ESYS_TR_NONE, &no_password, &parent_template, &no_data, &no_pcrs,
				  &c->parent, NULL, NULL, NULL, NULL);
}

/* The session's salt is encrypted to the parent key, so only this TPM can decrypt it. */
static TSS2_RC tpm_start_session(struct tpm *c)
{
	static const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};

	return Esys_StartAuthSession(c->esys, c->parent, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				     ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &aes, TPM2_ALG_SHA256,
				     &c->session);
}

/* what: TPMA_SESSION_DECRYPT for the command's first parameter, _ENCRYPT for the response's, or 0. */
static TSS2_RC tpm_set_encryption(struct tpm *c, TPMA_SESSION what)
{
	return Esys_TRSess_SetAttributes(c->esys, c->session, TPMA_SESSION_CONTINUESESSION | what,
					 0xff);
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
	if (tpm_lock_contexts(c, f) != 0)
		return -1;
	rc = tpm_create_parent(c);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "make the TPM's storage key", rc);
	rc = tpm_start_session(c);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "open an encrypted session with the TPM", rc);
	return 0;
}

static TSS2_RC tpm_get_parent_name(struct tpm *c, TPM2B_NAME *out)
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

	rc = tpm_get_parent_name(c, &out->parent);
	if (rc == TSS2_RC_SUCCESS)
		rc = tpm_set_encryption(c, TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT);
	if (rc == TSS2_RC_SUCCESS) {
		memset(room, 0, sizeof(*room));
		room->sensitive.data.size = KEY_BYTES;
		memcpy(room->sensitive.data.buffer, key, KEY_BYTES);
		rc = Esys_Create(c->esys, c->parent, c->session, ESYS_TR_NONE, ESYS_TR_NONE, room,
				 &sealed_template, &no_data, &no_pcrs, &private, &public, NULL,
				 NULL, NULL);
		io_wipe(room, sizeof(*room));
		tpm_wipe_stack();
	}
	if (rc == TSS2_RC_SUCCESS) {
		out->public = *public;
		out->private = *private;
	}
	Esys_Free(private);
	Esys_Free(public);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_error(f, "seal the key", rc);
}

/* Check that this TPM, with its present seed, sealed s. */
static int tpm_check_parent(struct tpm *c, const struct sealed *s, struct failure *f)
{
	TPM2B_NAME mine;
	TSS2_RC rc = tpm_get_parent_name(c, &mine);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_error(f, "name the TPM's storage key", rc);
	if (mine.size != s->parent.size || memcmp(mine.name, s->parent.name, mine.size) != 0)
		return fail_set(f, FAIL_WRONG_KEY, HINT_OTHER_TPM,
				"this TPM did not seal the key, or was cleared since");
	return 0;
}

static int tpm_load_sealed(struct tpm *c, const struct sealed *s, ESYS_TR *object,
			   struct failure *f)
{
	TSS2_RC rc = tpm_set_encryption(c, 0);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Load(c->esys, c->parent, c->session, ESYS_TR_NONE, ESYS_TR_NONE,
			       &s->private, &s->public, object);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	/* The parent key is the right one, so if the TPM rejects the object, it was changed. */
	if (tpm_error_is_parameter(rc))
		return fail_set(f, FAIL_DAMAGED, HINT_ADD_AGAIN,
				"the sealed key is damaged: the TPM does not take it (0x%x)", rc);
	return tpm_error(f, "load the sealed key", rc);
}

static int tpm_unseal_loaded(struct tpm *c, ESYS_TR object, uint8_t *key, struct failure *f)
{
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc = tpm_set_encryption(c, TPMA_SESSION_ENCRYPT);
	int r;

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Unseal(c->esys, object, c->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (rc != TSS2_RC_SUCCESS)
		r = tpm_error(f, "unseal the key", rc);
	else if (data->size != KEY_BYTES)
		r = fail_set(f, FAIL_DAMAGED, HINT_ADD_AGAIN,
			     "the sealed key is damaged: it has %u bytes", data->size);
	else
		r = 0;
	if (r == 0)
		memcpy(key, data->buffer, KEY_BYTES);
	if (data)
		io_wipe(data, sizeof(*data));
	Esys_Free(data);
	tpm_wipe_stack();
	return r;
}

int tpm_unseal(struct tpm *c, const struct sealed *s, uint8_t *key, struct failure *f)
{
	ESYS_TR object = ESYS_TR_NONE;
	int r;

	if (tpm_check_parent(c, s, f) != 0 || tpm_load_sealed(c, s, &object, f) != 0)
		return -1;
	r = tpm_unseal_loaded(c, object, key, f);
	Esys_FlushContext(c->esys, object);
	return r;
}

void tpm_close(struct tpm *c)
{
	if (c->session != ESYS_TR_NONE)
		Esys_FlushContext(c->esys, c->session);
	if (c->parent != ESYS_TR_NONE)
		Esys_FlushContext(c->esys, c->parent);
	/* Both are NULL-safe.  M_PERTURB overwrites the contexts (tpm_lock_contexts). */
	Esys_Finalize(&c->esys);
	Tss2_TctiLdr_Finalize(&c->tcti);
	/*
	 * Again: a vector register may still hold the key, and lazy binding saves the
	 * registers on the stack at the first call of a library function.
	 */
	tpm_wipe_stack();
}
