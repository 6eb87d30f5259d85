/*
 * broker/session.c - what was sealed for a session's entries, asked each time.
 */
#include "broker/session.h"

#include "base/fail.h"
#include "broker/connection.h"
#include "broker/policy.h"
#include "broker/tenant.h"

const struct entry *session_entry(struct connection *c, unsigned i, struct failure *f)
{
	struct session *s = &c->session;
	struct policy_request want = { .origin = s->origin[i], .variable = s->variable[i],
				       .delivery = s->delivery, .strict = s->strict,
				       .marked = s->nested };
	const struct entry *e = vault_find(c->tenant->vault, s->entry[i]);

	if (!e && s->nested)
		fail_set(f, FAIL_MARKED, "start it outside the session, in another terminal",
			 "a process inside a session gets nothing");
	else if (!e)
		fail_set(f, FAIL_NO_ENTRY, NULL, "there is no key '%s' in the vault", s->entry[i]);
	if (!e || policy_decide(e, &want, &s->strict, f) != 0)
		return NULL;
	return e;
}
