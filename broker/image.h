/*
 * broker/image.h - is what a launch is going to execute what its name led to before?
 *
 * What `open` says of it is the requester's word: this holds against a program that was
 * planted for ccrun to find, not against one that speaks for itself.
 */
#ifndef BROKER_IMAGE_H
#define BROKER_IMAGE_H

struct failure;
struct image;
struct request;
struct session;
struct wire_out;

struct image_verdict {
	struct wire_out *ask;	  /* what to answer; or NULL */
	const struct image *keep; /* what is to be kept, until the next request; or NULL */
	const char *change;
};

/*
 * What `open` (q) says of the image, for the session s, which may have its entries: is it
 * root's where s is strict, is it the one that is known?
 *
 * 1: it may be executed, and is to be kept by image_keep.  0: v->ask is the answer, nothing
 * was opened: the digest is to be said, or a person asked.  -1 with FAIL_POLICY (not
 * root's), or FAIL_IMAGE (another one, to which nobody agreed).
 */
int image_admit(struct request *q, const struct session *s, struct image_verdict *v,
		struct failure *f);

/* Keep it, on the disk where the vault is open.  0 or -1. */
int image_keep(struct request *q, const struct image_verdict *v, struct failure *f);

#endif
