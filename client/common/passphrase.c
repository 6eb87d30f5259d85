/*
 * client/common/passphrase.c - one form for a passphrase that keyboards write in two.
 */
#include "client/common/passphrase.h"

#include <string.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/secret.h"
#include "display/normal.h"

static int passphrase_normalise(struct client *c, enum text_form form, const struct secret *typed,
				struct secret *out, struct failure *f)
{
	size_t characters = NORMAL_ROOM(typed->n);
	ssize_t n;

	if (secret_new(c, out, characters * sizeof(int32_t), f) != 0)
		return -1;
	n = text_normalise(form, typed->p, typed->n, (int32_t *)(void *)out->p, characters);
	if (n < 0) {
		memcpy(out->p, typed->p, typed->n);
		n = (ssize_t)typed->n;
	}
	out->n = (size_t)n;
	return out->n != typed->n || memcmp(out->p, typed->p, typed->n) != 0;
}

int passphrase_compose(struct client *c, const struct secret *typed, struct secret *out,
		       struct failure *f)
{
	return passphrase_normalise(c, TEXT_COMPOSED, typed, out, f);
}

int passphrase_decompose(struct client *c, const struct secret *typed, struct secret *out,
			 struct failure *f)
{
	return passphrase_normalise(c, TEXT_DECOMPOSED, typed, out, f);
}
