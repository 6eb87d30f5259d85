/*
 * broker/session.c - decide about a session's entries at every release.
 */
#include "broker/session.h"

#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "broker/connection.h"
#include "broker/policy.h"
#include "broker/session_counted.h"
#include "broker/tenant.h"
#include "broker/ticket.h"
#include "vault/entries.h"

const struct entry *session_allowed_entry(struct connection *c, unsigned i, struct failure *f)
{
	struct session *s = &c->session;
	struct policy_request want = { .origin = s->origin[i],
				       .variable = s->variable[i],
				       .delivery = s->delivery,
				       .strict = s->strict,
				       .confine = s->confine,
				       .config_dir = s->config_dir,
				       .env = s->env,
				       .ca = s->ca,
				       .prices = session_counts_by_other(s) ? NULL : s->prices,
				       .marked = s->marked || s->has_shown_ticket,
				       .ticket = s->has_shown_ticket };
	const struct entry *e;

	/* A session that was opened and has no relay yet is none that the end of its ticket ends. */
	if (ticket_check(c->tenant, s, f) != 0)
		return NULL;
	e = tenant_find_entry(c->tenant, s->entry[i], f);
	if (!e && s->marked)
		fail_set(f, FAIL_MARKED, "start it outside the session, in another terminal",
			 "a process inside a session gets nothing");
	if (!e || policy_decide(e, &want, &s->strict, f) != 0 ||
	    session_check_counted(s, e, f) != 0)
		return NULL;
	return e;
}

/* Does this kernel have filters?  It shows in this process, which has entered one. */
static bool kernel_has_filters(void)
{
	static int known = -1;

	if (known < 0)
		known = proc_confined(getpid()) != 0;
	return known;
}

int session_check_confined(const struct connection *c, struct failure *f)
{
	if (c->session.confine == CONFINE_OFF)
		return 0;
	/* Auto is what the kernel offers. */
	if (c->session.confine == CONFINE_AUTO && !kernel_has_filters())
		return 0;
	return peer_check_confined(&c->peer, f);
}

void session_count_release(struct connection *c)
{
	struct tenant *t = c->tenant;
	unsigned i;

	/* Use times of kept entries cannot be written: the next unlock takes them over. */
	for (i = 0; (t->vault || t->kept) && i < c->session.entries; i++)
		vault_mark_used(t->vault ? t->vault : t->kept, c->session.entry[i],
				(uint64_t)time(NULL));
	t->use_times_changed = t->vault != NULL;
	t->used_ms = clock_now_ms();
	t->releases++;
}

void session_mark_released(struct connection *c, enum session_event how)
{
	session_step(&c->session, how);
	session_count_release(c);
	c->tenant->sessions++;
	c->deadline = 0;
}
