/*
 * broker/marked.c - does a marked process descend from a session that this broker knows?
 */
#include "broker/marked.h"

#include "base/fail.h"
#include "base/mark.h"
#include "broker/broker.h"
#include "broker/connection.h"
#include "broker/request.h"
#include "wire/unpack.h"

/* Has that process of the tenant a session here?  A relay's channel has it as its peer. */
static bool marked_has_session(const void *arg, pid_t pid)
{
	const struct request *q = arg;
	const struct broker *b = q->broker;
	const struct connection *c;

	for (c = b->connection; c < b->connection + b->places; c++)
		if (c->fd >= 0 && c->tenant == q->connection->tenant && c->peer.pid == pid &&
		    c->session.state != SESSION_NONE)
			return true;
	return false;
}

void marked_explain(const struct request *q, struct failure *f)
{
	pid_t pid = q->connection->peer.pid;

	if (!q->marked || wire_has(q->map, "ticket"))
		return;
	/* A process that has ended meanwhile reads as inside. */
	mark_refuse(pid, mark_is_inside(pid, marked_has_session, q), f);
}
