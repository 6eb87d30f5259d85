/*
 * import/find_files.h - the files where people keep keys today.
 */
#ifndef IMPORT_FIND_FILES_H
#define IMPORT_FIND_FILES_H

#include "import/found.h"

/*
 * Read and parse the files of the home directory and the working directory, or (n > 0)
 * those that the n words name.  Returns 0, or -1 when a word is no file.
 */
int find_files(struct import *im, char **word, int n, struct failure *f);

/*
 * Read and parse one more file.  must: the user named it, so it is listed even if it
 * does not exist.  Returns its number in im->file, or -1: it is there already, does not
 * exist, or there is no room.  What cannot be parsed is listed with its failure.
 */
int find_files_add(struct import *im, const char *path, enum file_kind kind, bool must);

/*
 * The assignments of a text of that kind (none of FILE_CC_SWITCH_DB and FILE_NAMED).
 * Returns 0, or -1 as the reader of that kind.  assignments_free is due in every case.
 */
int file_text_parse(const struct import *im, enum file_kind kind, const struct locked_text *t,
		    struct assignments *r, struct failure *f);

#endif
