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

#endif
