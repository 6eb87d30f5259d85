/*
 * shim/image.h - telling the broker which program is going to be executed.
 */
#ifndef SHIM_IMAGE_H
#define SHIM_IMAGE_H

#include <stdbool.h>
#include "wire/image.h"
#include "wire/unpack.h"

struct failure;
struct target;
struct wire_out;

#define IMAGE_NOTE 200

/* What is said besides what the target itself is. */
struct image_answer {
	char digest[IMAGE_DIGEST_HEX + 1]; /* "": not asked for yet */
	bool agreed;			   /* a person took it for the old one's successor */
	char note[IMAGE_NOTE];		   /* what is new, for the line of the launch; or "" */
};

/* Put it into `open`. */
void image_put(struct wire_out *o, const struct target *t, const struct image_answer *a);

/*
 * The broker knows t's name for another image, or not at all: reply says so.  Have the files
 * hashed and, where it may be another program, ask a person, if there is a terminal.  0: open
 * again with *a; or -1.
 */
int image_ask(const struct target *t, struct wire_map reply, struct image_answer *a,
	      struct failure *f);

#endif
