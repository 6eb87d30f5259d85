/*
 * client/common/passphrase.h - one form for a passphrase that keyboards write in two.
 */
#ifndef CLIENT_COMMON_PASSPHRASE_H
#define CLIENT_COMMON_PASSPHRASE_H

#include "display/normal.h"

struct client;
struct failure;
struct secret;

/*
 * A passphrase in one of its forms, in out (secret_free it); a new one is TEXT_COMPOSED.  What
 * is not UTF-8 stays as it is.  1: it differs from what was typed; 0: it does not; -1.
 */
int passphrase_normalise(struct client *c, enum text_form form, const struct secret *typed,
			 struct secret *out, struct failure *f);

#endif
