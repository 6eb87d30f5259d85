/*
 * broker/session_counted.c - for which of its entries a session's requests are counted,
 * and by whose prices.
 */
#include "broker/session_counted.h"

#include <string.h>

#include "base/fail.h"
#include "broker/session.h"
#include "vault/entry.h"
#include "wire/names.h"
#include "wire/policy.h"

const char *session_counted_entry(const struct session *s)
{
	unsigned i;

	for (i = 0; i < s->entries; i++)
		if (!wire_carrier_header(s->variable[i]))
			return s->entry[i];
	return s->entry[0];
}

bool session_counts_by_other(const struct session *s)
{
	return s->marked || s->has_shown_ticket;
}

int session_check_counted(const struct session *s, const struct entry *e, struct failure *f)
{
	const char *counted = session_counted_entry(s);
	struct policy p;

	if (policy_parse(&p, e->policy, f) != 0)
		return -1;
	if (!limit_is_set(&p.limit) || strcmp(e->name, counted) == 0)
		return 0;
	fail_set(f, FAIL_POLICY, NULL,
		 "'%s' has a limit, and goes along with '%s', for which requests are counted",
		 e->name, counted);
	fail_hint(f, "ccctl limit %s off, and one for %s", e->name, counted);
	return -1;
}
