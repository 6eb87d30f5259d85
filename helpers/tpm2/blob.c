/*
 * helpers/tpm2/blob.c - packing and unpacking a sealed key.  What is unpacked
 * may be anybody's: every length is checked, and only the bytes that packing
 * would have made are taken.
 */
#include "helpers/tpm2/blob.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/fail.h"

#define MAGIC "ccrtpm2"
#define VERSION 1
#define HEAD 8
/* A SHA-256 name: two bytes of algorithm, the digest. */
#define NAME_BYTES 34

#define AGAIN "remove the slot and add it again: ccctl slot add tpm2"

static void put_length(uint8_t *out, size_t at, size_t n)
{
	out[at] = (uint8_t)(n & 0xff);
	out[at + 1] = (uint8_t)(n >> 8);
}

int blob_pack(const struct sealed *s, uint8_t *out, size_t *n, struct failure *f)
{
	size_t at = HEAD + 2 + NAME_BYTES, start;
	TSS2_RC rc;

	if (s->parent.size != NAME_BYTES)
		return fail_set(f, FAIL_INTERNAL, NULL, "the parent key's name has %u bytes", s->parent.size);
	memcpy(out, MAGIC, HEAD - 1);
	out[HEAD - 1] = VERSION;
	put_length(out, HEAD, NAME_BYTES);
	memcpy(out + HEAD + 2, s->parent.name, NAME_BYTES);

	start = at;
	at += 2;
	rc = Tss2_MU_TPM2B_PUBLIC_Marshal(&s->public, out, BLOB_MAX, &at);
	if (rc == TSS2_RC_SUCCESS && at <= BLOB_MAX - 2) {
		put_length(out, start, at - start - 2);
		start = at;
		at += 2;
		rc = Tss2_MU_TPM2B_PRIVATE_Marshal(&s->private, out, BLOB_MAX, &at);
		put_length(out, start, at - start - 2);
	}
	if (rc != TSS2_RC_SUCCESS)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "the sealed key does not fit into %d bytes (0x%x)",
				BLOB_MAX, rc);
	*n = at;
	return 0;
}

/* What is left to read. */
struct rest {
	const uint8_t *p;
	size_t n;
};

static int damaged(struct failure *f, const char *why)
{
	return fail_set(f, FAIL_DAMAGED, AGAIN, "the sealed key is damaged: %s", why);
}

/* Take the next field out of rest. */
static int field(struct rest *rest, struct rest *out, struct failure *f)
{
	size_t n = rest->n < 2 ? 0 : (size_t)(rest->p[0] | rest->p[1] << 8);

	if (rest->n < 2 || n > rest->n - 2)
		return fail_set(f, FAIL_TRUNCATED, AGAIN, "the sealed key is cut off");
	out->p = rest->p + 2;
	out->n = n;
	rest->p += n + 2;
	rest->n -= n + 2;
	return 0;
}

static int head(struct rest *rest, struct failure *f)
{
	if (rest->n < HEAD)
		return fail_set(f, FAIL_TRUNCATED, AGAIN, "the sealed key is cut off");
	if (memcmp(rest->p, MAGIC, HEAD - 1) != 0 || rest->p[HEAD - 1] < VERSION)
		return damaged(f, "it begins with something else");
	if (rest->p[HEAD - 1] > VERSION)
		return fail_set(f, FAIL_NEWER, "update ccrun", "the sealed key has version %d, this ccrun knows %d",
				rest->p[HEAD - 1], VERSION);
	rest->p += HEAD;
	rest->n -= HEAD;
	return 0;
}

/* The public part, which must say what `seal` made it say, byte for byte. */
static int public_part(const struct rest *in, TPM2B_PUBLIC *out, struct failure *f)
{
	const TPMT_PUBLIC *p = &out->publicArea;
	uint8_t again[sizeof(TPM2B_PUBLIC)];
	size_t at = 0, n = 0;

	memset(out, 0, sizeof(*out));
	/* Whether the library notices a size that its contents belie or not:
	 * packing the result again shows it. */
	if (in->n > sizeof(again) || Tss2_MU_TPM2B_PUBLIC_Unmarshal(in->p, in->n, &at, out) != TSS2_RC_SUCCESS ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(out, again, sizeof(again), &n) != TSS2_RC_SUCCESS || at != in->n ||
	    n != in->n || memcmp(again, in->p, n) != 0)
		return damaged(f, "its public part is not one");
	if (p->type != TPM2_ALG_KEYEDHASH || p->nameAlg != TPM2_ALG_SHA256 ||
	    p->objectAttributes != SEALED_ATTRIBUTES || p->authPolicy.size != 0 ||
	    p->parameters.keyedHashDetail.scheme.scheme != TPM2_ALG_NULL ||
	    p->unique.keyedHash.size != TPM2_SHA256_DIGEST_SIZE)
		return damaged(f, "its public part is another kind of object's");
	return 0;
}

static int private_part(const struct rest *in, TPM2B_PRIVATE *out, struct failure *f)
{
	size_t at = 0;

	memset(out, 0, sizeof(*out));
	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(in->p, in->n, &at, out) != TSS2_RC_SUCCESS || at != in->n ||
	    out->size == 0)
		return damaged(f, "its private part is not one");
	return 0;
}

int blob_unpack(const uint8_t *p, size_t n, struct sealed *s, struct failure *f)
{
	struct rest rest = { p, n }, name = { 0 }, public = { 0 }, private = { 0 };

	if (n > BLOB_MAX)
		return fail_set(f, FAIL_TOO_LARGE, AGAIN, "a sealed key of %zu bytes; %d are the most", n, BLOB_MAX);
	if (head(&rest, f) != 0 || field(&rest, &name, f) != 0 || field(&rest, &public, f) != 0 ||
	    field(&rest, &private, f) != 0)
		return -1;
	if (rest.n != 0)
		return damaged(f, "something follows it");
	if (name.n != NAME_BYTES)
		return damaged(f, "its parent's name has another length");
	s->parent.size = NAME_BYTES;
	memcpy(s->parent.name, name.p, NAME_BYTES);
	if (public_part(&public, &s->public, f) != 0)
		return -1;
	return private_part(&private, &s->private, f);
}
