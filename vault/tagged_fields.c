/*
 * vault/tagged_fields.c - reading tagged fields.
 */
#include "vault/tagged_fields.h"

#include <stdio.h>

#include "base/fail.h"
#include "vault/bytes.h"
#include "vault/errors.h"

static int field_fail_damaged(const struct tagged_fields *rules, const char *what,
			      struct failure *f)
{
	char why[80];

	snprintf(why, sizeof(why), "%s has a field %s", rules->owner, what);
	return vault_fail_damaged(f, why);
}

int tagged_fields_read(struct byte_reader *c, const struct tagged_fields *rules, void *to,
		       unsigned *seen, struct failure *f)
{
	uint64_t tag, n;
	const uint8_t *p;

	*seen = 0;
	while (c->left > 0) {
		tag = byte_reader_take_le(c, 2);
		n = byte_reader_take_le(c, 4);
		p = byte_reader_take(c, (size_t)n);
		if (c->bad)
			return field_fail_damaged(rules, "that is cut off", f);
		if (tag < rules->first || tag >= rules->end)
			return fail_set(f, FAIL_NEWER, HINT_NEWER,
					"cannot read the vault: %s has an unknown field",
					rules->owner);
		if (*seen & 1u << tag)
			return field_fail_damaged(rules, "twice", f);
		*seen |= 1u << tag;
		if (!rules->read(to, (unsigned)tag, p, (size_t)n))
			return field_fail_damaged(rules, "that is not allowed", f);
	}
	return 0;
}

bool tagged_number_read(uint64_t *out, const uint8_t *p, size_t n)
{
	struct byte_reader c = { p, n, n != 8 };

	*out = byte_reader_take_le(&c, 8);
	return !c.bad;
}
