/*
 * broker/file_transfer.c - a file in parts.
 */
#include "broker/file_transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/tenant.h"
#include "vault/limits.h"

void file_transfer_drop(struct connection *c)
{
	if (!c->stage.p)
		return;
	free(c->stage.p);
	memset(&c->stage, 0, sizeof(c->stage));
	c->tenant->staged--;
}

int file_transfer_begin(struct connection *c, uint8_t *p, size_t n, bool out, struct failure *f)
{
	file_transfer_drop(c);
	if (c->tenant->staged >= TRANSFERS_UID) {
		free(p);
		return fail_set(f, FAIL_BUSY, "try again when that is done",
				"other programs of yours are moving a vault");
	}
	/* The largest a file can be: whoever fills it does not make it grow. */
	c->stage.p = p ? p : malloc(VAULT_FILE_MAX);
	if (!c->stage.p)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a vault");
	c->stage.n = n;
	c->stage.out = out;
	c->tenant->staged++;
	return 0;
}

int file_transfer_append(struct connection *c, const uint8_t *p, size_t n, struct failure *f)
{
	if (n > VAULT_FILE_MAX - c->stage.n) {
		file_transfer_drop(c);
		return fail_set(f, FAIL_TOO_LARGE, "is this a vault or a backup?",
				"more than %d KiB is no vault", VAULT_FILE_MAX / 1024);
	}
	memcpy(c->stage.p + c->stage.n, p, n);
	c->stage.n += n;
	return 0;
}
