/*
 * vault/inspect.c - what a vault's file says without a key.
 */
#include "vault/inspect.h"

#include <string.h>

#include "vault/layout.h"

int vault_inspect(const uint8_t *file, size_t n, struct vault_public *out, struct failure *f)
{
	/* Static: too large for the stack, and no caller has threads. */
	static struct vault_layout layout;
	unsigned i;

	memset(out, 0, sizeof(*out));
	if (layout_parse(file, n, &layout, f))
		return -1;
	out->generation = layout.generation;
	memcpy(out->id, layout.id, VAULT_ID_LEN);
	out->slots = layout.slots;
	for (i = 0; i < layout.slots; i++)
		out->slot[i] = layout.slot[i].info;
	return 0;
}
