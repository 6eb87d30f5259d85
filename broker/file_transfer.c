/*
 * broker/file_transfer.c - a vault's file in parts over a connection.
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
	if (!c->transfer.p)
		return;
	free(c->transfer.p);
	memset(&c->transfer, 0, sizeof(c->transfer));
	c->tenant->transfers--;
}

int file_transfer_begin(struct connection *c, uint8_t *p, size_t n, bool out, struct failure *f)
{
	file_transfer_drop(c);
	if (c->tenant->transfers >= TRANSFERS_UID) {
		free(p);
		return fail_set(f, FAIL_BUSY, "try again when that is done",
				"other programs of yours are moving a vault");
	}
	/* Allocated at the size limit, so that it never grows. */
	c->transfer.p = p ? p : malloc(VAULT_FILE_MAX);
	if (!c->transfer.p)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a vault");
	c->transfer.n = n;
	c->transfer.out = out;
	c->tenant->transfers++;
	return 0;
}

int file_transfer_append(struct connection *c, const uint8_t *p, size_t n, struct failure *f)
{
	if (n > VAULT_FILE_MAX - c->transfer.n) {
		file_transfer_drop(c);
		return fail_set(f, FAIL_TOO_LARGE, "is this a vault or a backup?",
				"more than %d KiB is no vault", VAULT_FILE_MAX / 1024);
	}
	memcpy(c->transfer.p + c->transfer.n, p, n);
	c->transfer.n += n;
	return 0;
}
