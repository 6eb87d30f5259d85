/*
 * helpers/tpm2/blob.c - pack and unpack a sealed key (the format is in blob.h).
 *
 * The bytes come from the vault file, which others may have written.  So every
 * length is checked, and only what blob_pack could have written is accepted.
 */
#include "helpers/tpm2/blob.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/fail.h"

#define MAGIC "ccrtpm2"
#define VERSION 1
#define HEAD_BYTES 8
/* The name of a key with nameAlg SHA-256: two bytes of algorithm, the digest. */
#define NAME_BYTES 34

#define HINT_ADD_AGAIN "remove the slot and add it again: ccctl slot add tpm2"

static void blob_put_length(uint8_t *out, size_t at, size_t n)
{
	out[at] = (uint8_t)(n & 0xff);
	out[at + 1] = (uint8_t)(n >> 8);
}

int blob_pack(const struct sealed *s, uint8_t *out, size_t *n, struct failure *f)
{
	size_t at = HEAD_BYTES + 2 + NAME_BYTES, start;
	TSS2_RC rc;

	if (s->parent.size != NAME_BYTES)
		return fail_set(f, FAIL_INTERNAL, NULL, "the parent key's name has %u bytes",
				s->parent.size);
	memcpy(out, MAGIC, HEAD_BYTES - 1);
	out[HEAD_BYTES - 1] = VERSION;
	blob_put_length(out, HEAD_BYTES, NAME_BYTES);
	memcpy(out + HEAD_BYTES + 2, s->parent.name, NAME_BYTES);

	start = at;
	at += 2;
	rc = Tss2_MU_TPM2B_PUBLIC_Marshal(&s->public, out, BLOB_MAX, &at);
	if (rc == TSS2_RC_SUCCESS && at <= BLOB_MAX - 2) {
		blob_put_length(out, start, at - start - 2);
		start = at;
		at += 2;
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(&s->private, out, BLOB_MAX, &at);
		blob_put_length(out, start, at - start - 2);
	}
	if (rc != TSS2_RC_SUCCESS)
		return fail_set(f, FAIL_TOO_LARGE, NULL,
				"the sealed key does not fit into %d bytes (0x%x)", BLOB_MAX, rc);
	*n = at;
	return 0;
}

/* A part of the blob. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

static int blob_damaged(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_DAMAGED, HINT_ADD_AGAIN, "the sealed key is damaged: %s", why);
}

/* Read a length and that many bytes: out points to them. */
static int blob_read_field(struct bytes *in, struct bytes *out, struct failure *f)
{
	size_t n = in->n < 2 ? 0 : (size_t)(in->p[0] | in->p[1] << 8);

	if (in->n < 2 || n > in->n - 2)
		return fail_set(f, FAIL_TRUNCATED, HINT_ADD_AGAIN, "the sealed key is cut off");
	out->p = in->p + 2;
	out->n = n;
	in->p += n + 2;
	in->n -= n + 2;
	return 0;
}

static int blob_read_head(struct bytes *in, struct failure *f)
{
	if (in->n < HEAD_BYTES)
		return fail_set(f, FAIL_TRUNCATED, HINT_ADD_AGAIN, "the sealed key is cut off");
	if (memcmp(in->p, MAGIC, HEAD_BYTES - 1) != 0 || in->p[HEAD_BYTES - 1] < VERSION)
		return blob_damaged(f, "it begins with something else");
	if (in->p[HEAD_BYTES - 1] > VERSION)
		return fail_set(f, FAIL_NEWER, "update ccrun",
				"the sealed key has version %d, this ccrun knows %d",
				in->p[HEAD_BYTES - 1], VERSION);
	in->p += HEAD_BYTES;
	in->n -= HEAD_BYTES;
	return 0;
}

/* The public part.  It must be byte for byte what tpm_seal creates. */
static int blob_read_public(const struct bytes *in, TPM2B_PUBLIC *out, struct failure *f)
{
	const TPMT_PUBLIC *p = &out->publicArea;
	uint8_t again[sizeof(TPM2B_PUBLIC)];
	size_t at = 0, n = 0;

	memset(out, 0, sizeof(*out));
	/*
	 * Unmarshal may accept a size field that disagrees with the contents.
	 * Marshalling the result again and comparing finds every such case.
	 */
	if (in->n > sizeof(again) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(in->p, in->n, &at, out) != TSS2_RC_SUCCESS ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(out, again, sizeof(again), &n) != TSS2_RC_SUCCESS ||
	    at != in->n || n != in->n || memcmp(again, in->p, n) != 0)
		return blob_damaged(f, "its public part is not one");
	if (p->type != TPM2_ALG_KEYEDHASH || p->nameAlg != TPM2_ALG_SHA256 ||
	    p->objectAttributes != SEALED_ATTRIBUTES || p->authPolicy.size != 0 ||
	    p->parameters.keyedHashDetail.scheme.scheme != TPM2_ALG_NULL ||
	    p->unique.keyedHash.size != TPM2_SHA256_DIGEST_SIZE)
		return blob_damaged(f, "its public part is another kind of object's");
	return 0;
}

static int blob_read_private(const struct bytes *in, TPM2B_PRIVATE *out, struct failure *f)
{
	size_t at = 0;

	memset(out, 0, sizeof(*out));
	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(in->p, in->n, &at, out) != TSS2_RC_SUCCESS ||
	    at != in->n || out->size == 0)
		return blob_damaged(f, "its private part is not one");
	return 0;
}

int blob_unpack(const uint8_t *p, size_t n, struct sealed *s, struct failure *f)
{
	struct bytes in = { p, n }, name = { 0 }, public = { 0 }, private = { 0 };

	if (n > BLOB_MAX)
		return fail_set(f, FAIL_TOO_LARGE, HINT_ADD_AGAIN,
				"a sealed key of %zu bytes; %d are the most", n, BLOB_MAX);
	if (blob_read_head(&in, f) != 0 || blob_read_field(&in, &name, f) != 0 ||
	    blob_read_field(&in, &public, f) != 0 || blob_read_field(&in, &private, f) != 0)
		return -1;
	if (in.n != 0)
		return blob_damaged(f, "something follows it");
	if (name.n != NAME_BYTES)
		return blob_damaged(f, "its parent's name has another length");
	s->parent.size = NAME_BYTES;
	memcpy(s->parent.name, name.p, NAME_BYTES);
	if (blob_read_public(&public, &s->public, f) != 0)
		return -1;
	return blob_read_private(&private, &s->private, f);
}
