/*
 * shim/image.c - what `open` says of the program, and the broker's questions about it.
 */
#include "shim/image.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "shim/ccctl.h"
#include "shim/target.h"
#include "start/terminal.h"
#include "wire/pack.h"

void image_put(struct wire_out *o, const struct target *t, const struct image_answer *a)
{
	static struct image i; /* large */

	wire_put_str(o, "roots", t->not_roots);
	if (!t->image.name[0])
		return;
	i = t->image;
	memcpy(i.digest, a->digest, sizeof(i.digest));
	wire_put_bool(o, "agreed", a->agreed);
	wire_put_image(o, "image", &i);
	wire_end_array(o);
}

static const char *file_name(const struct image *i)
{
	return strrchr(i->program.file, '/') + 1;
}

/* The client's own installer names a file by its version. */
static void note_update(const struct image *was, const struct image *is, char note[IMAGE_NOTE])
{
	int n = snprintf(note, IMAGE_NOTE, "%s changed since the last launch", is->name);

	if (strcmp(file_name(was), file_name(is)) != 0)
		snprintf(note + n, (size_t)(IMAGE_NOTE - n), " (%.40s -> %.40s)", file_name(was),
			 file_name(is));
}

/* Its digest into a, and a person's yes where was is not NULL. */
static int image_digest(const struct target *t, const struct image *was, struct image_answer *a,
			struct failure *f)
{
	char old[IMAGE_TEXT], new[IMAGE_TEXT];
	int fds[2], n, r;

	n = target_open(t, fds, f);
	if (n < 0)
		return -1;
	if (was) {
		image_describe(was, old);
		image_describe(&t->image, new);
	}
	r = ccctl_digest(fds, n, was ? old : NULL, new, a->digest, f);
	while (n-- > 0)
		close(fds[n]);
	/* MUST: the digest is of the files whose identity is said with it. */
	return r == 0 ? target_check_same(t, f) : -1;
}

int image_ask(const struct target *t, struct wire_map reply, struct image_answer *a,
	      struct failure *f)
{
	static struct image was;
	char change[16];
	bool asks;

	memset(&was, 0, sizeof(was));
	if (a->digest[0])
		return fail_set(f, FAIL_INTERNAL, NULL, "the broker asks about %s again",
				t->image.name);
	if (wire_get_text(reply, "image", change, sizeof(change), f) != 0 ||
	    (wire_has(reply, "was") && wire_get_image(reply, "was", &was, f) != 0))
		return -1;
	asks = strcmp(change, "changed") == 0 && was.name[0] && terminal_available();
	if (image_digest(t, asks ? &was : NULL, a, f) != 0)
		return -1;
	a->agreed = asks;
	if (!was.name[0])
		snprintf(a->note, sizeof(a->note), "first launch of %.150s", t->image.program.path);
	else if (strcmp(change, "updated") == 0 && strcmp(was.digest, a->digest) != 0)
		note_update(&was, &t->image, a->note);
	return 0;
}
