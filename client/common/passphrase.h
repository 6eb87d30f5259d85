/*
 * client/common/passphrase.h - one form for a passphrase that keyboards write in two.
 */
#ifndef CLIENT_COMMON_PASSPHRASE_H
#define CLIENT_COMMON_PASSPHRASE_H

struct client;
struct failure;
struct secret;

/*
 * A passphrase in one of its forms, in out (secret_free it): with ü as one character, as a
 * slot is made of it, or as two.  What is not UTF-8 stays as it is.  1: it differs from what
 * was typed; 0: it does not; -1.
 */
int passphrase_compose(struct client *c, const struct secret *typed, struct secret *out,
		       struct failure *f);
int passphrase_decompose(struct client *c, const struct secret *typed, struct secret *out,
			 struct failure *f);

#endif
