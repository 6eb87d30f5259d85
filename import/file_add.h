/*
 * import/file_add.h - reading one file, and those that it reads (a shell's `source`).
 */
#ifndef IMPORT_FILE_ADD_H
#define IMPORT_FILE_ADD_H

#include <stdbool.h>
#include "import/found.h"

struct stat;

/*
 * Read and parse one more file.  must: the user named it, so it is listed even if it
 * does not exist.  by: the side (found.h) of the directory or the file that led to it; one that is
 * there already is the person's as soon as that is theirs.  Returns its number in im->file, or -1: it is there already, does not
 * exist, or there is no room.  What cannot be parsed is listed with its failure.
 */
int file_add(struct import *im, const char *path, enum file_kind kind, bool must, unsigned by);

/*
 * The assignments of a text of that kind (none of FILE_CC_SWITCH_DB and FILE_NAMED).
 * Returns 0, or -1 as the reader of that kind.  assignments_free is due in every case.
 */
int file_text_parse(const struct import *im, enum file_kind kind, const struct locked_text *t,
		    struct assignments *r, struct failure *f);

/* Is it a regular file of a script's size, with one of these words (NULL ends them)?  *t is its
 * text, or empty; locked_text_free is due in every case. */
bool file_has(const char *path, const char *const *words, struct locked_text *t, struct stat *st);

bool name_ends_in(const char *name, const char *end);

#endif
