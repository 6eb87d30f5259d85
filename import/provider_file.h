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

/*
 * Remove the file that provider_file_write has just made for the account, whose key could
 * not be stored: a provider without a key would be found, and numbered past, next time.
 */
void provider_file_take_back(struct import *im, struct account *a);

#endif
