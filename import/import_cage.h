/*
 * import/import_cage.h - what ccrun-import cannot do: it parses files that others wrote.
 */
#ifndef IMPORT_IMPORT_CAGE_H
#define IMPORT_IMPORT_CAGE_H

#include "import/found.h"

/*
 * Enter it (sandbox/cage.h), before the first file is read: no program, no network, no signals,
 * nothing written, but
 *   where it may store (im->yes, im->asks): ccrun's configuration;
 *   with im->scrub also: what is below the home directory, and in the directories of the n
 *     words, of the project, and of what links in the home directory lead to.
 * It reads every file: a shell's file can name any, and be a link to any.  0 or -1.
 */
int import_cage_enter(const struct import *im, char **word, int n, struct failure *f);

#endif
