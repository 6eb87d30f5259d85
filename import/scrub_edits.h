/*
 * import/scrub_edits.h - what scrubbing changes in one file.
 */
#ifndef IMPORT_SCRUB_EDITS_H
#define IMPORT_SCRUB_EDITS_H

#include "import/found.h"

#define SCRUB_GONE "CCRUN-REMOVED" /* in the place of a token */
#define EDIT_MAX 256		   /* bytes that an edit puts in */

/* text[at..end) becomes `with`, and is shown as `shown`. */
struct scrub_edit {
	size_t at, end;
	char with[EDIT_MAX], shown[EDIT_MAX];
};

struct scrubbing {
	struct import *im;
	struct import_file *file;
	struct scrub_edit edit[2 * ACCOUNTS_MAX]; /* what changes the file */
	struct scrub_edit mask[2 * ACCOUNTS_MAX]; /* what hides the tokens in its old text */
	unsigned edits, masks;
	const char *name[2 * ACCOUNTS_MAX]; /* members of a settings file, to be removed */
	unsigned names;
	unsigned addresses; /* of the edits and names: at most ACCOUNTS_MAX */
};

/*
 * Fill edit and mask, each in the order of the text and without overlaps, and name: the
 * tokens of s->file that the vault has on its disk, and the addresses that these went to.
 * s is zeroed but for im and file.
 */
void scrub_edits_collect(struct scrubbing *s);

/* In files of this kind a value becomes an empty one, and nothing around it changes. */
bool scrub_empties_values(enum file_kind kind);

#endif
