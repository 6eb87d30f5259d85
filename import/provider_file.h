/*
 * import/provider_file.h - writing a provider's file.
 */
#ifndef IMPORT_PROVIDER_FILE_H
#define IMPORT_PROVIDER_FILE_H

#include "import/found.h"

/*
 * Add to the account's provider file what it lacks: address, models, variables,
 * modes.  What it says already stays.  Returns 0, or -1: the file is as it was.
 */
int provider_file_write(struct import *im, struct account *a, struct failure *f);

#endif
