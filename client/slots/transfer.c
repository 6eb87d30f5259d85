/*
 * client/slots/transfer.c - a vault's file, in parts.
 */
#include "client/slots/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "client/common/connection.h"
#include "vault/inspect.h"

#define PART 48000 /* bytes; fits into WIRE_PACKET_MAX with the map around it */

int transfer_fetch(struct client *c, uint8_t **p, size_t *n, struct failure *f)
{
	const uint8_t *part;
	struct wire_out *o;
	uint64_t size = 0;
	size_t len;

	*n = 0;
	*p = NULL;
	if (wire_get_uint(c->dial.in.top, "size", &size, f) != 0)
		return -1;
	if (size == 0 || size > VAULT_FILE_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker sent no vault");
	*p = malloc((size_t)size);
	if (!*p)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a vault");
	while (*n < size) {
		o = wire_request("part");
		wire_put_uint(o, "at", *n);
		if (client_call(c, o, f) != 0 ||
		    wire_get_bin(c->dial.in.top, "part", &part, &len, f) != 0)
			goto bad;
		if (len == 0 || len > size - *n) {
			fail_set(f, FAIL_BAD_VALUE, NULL,
				 "what the broker sent is not a complete vault");
			goto bad;
		}
		memcpy(*p + *n, part, len);
		*n += len;
	}
	return 0;
bad:
	free(*p);
	*p = NULL;
	return -1;
}

int transfer_send(struct client *c, const uint8_t *p, size_t n, struct failure *f)
{
	struct wire_out *o;
	size_t at, len;

	for (at = 0; at < n; at += len) {
		len = n - at < PART ? n - at : PART;
		o = wire_request("stage");
		wire_put_uint(o, "at", at);
		wire_put_bin(o, "part", p + at, len);
		if (client_call(c, o, f) != 0)
			return -1;
	}
	return 0;
}

int transfer_read(const char *file, uint8_t **p, size_t *n, struct failure *f)
{
	char *bytes;

	if (io_slurp(file, VAULT_FILE_MAX, &bytes, n, f) != 0)
		return -1;
	*p = (uint8_t *)bytes;
	return 0;
}

int transfer_slots(const uint8_t *p, size_t n, struct slots *s, struct failure *f)
{
	/* Several pages: not on the stack. */
	static struct vault_public pub;
	unsigned i;

	memset(s, 0, sizeof(*s));
	if (vault_inspect(p, n, &pub, f) != 0)
		return -1;
	s->generation = pub.generation;
	memcpy(s->vault, pub.id, VAULT_ID_LEN);
	s->n = pub.slots;
	for (i = 0; i < pub.slots; i++) {
		s->slot[i].id = pub.slot[i].id;
		s->slot[i].kind = pub.slot[i].kind;
		s->slot[i].created = pub.slot[i].created;
		s->slot[i].kdf = pub.slot[i].kdf;
		memcpy(s->slot[i].label, pub.slot[i].label, sizeof(s->slot[i].label));
	}
	return 0;
}
