/*
 * import/settings_keys.h - keys among the settings beside a token.
 */
#ifndef IMPORT_SETTINGS_KEYS_H
#define IMPORT_SETTINGS_KEYS_H

#include "import/found.h"

/*
 * Drop the settings of all accounts that have a piece of a token that was found, as
 * CLAUDE_CODE_X=$ANTHROPIC_API_KEY has: they would go into a provider's file.  After
 * accounts_collect, when all tokens are known.
 */
void settings_drop_keys(struct import *im);

#endif
