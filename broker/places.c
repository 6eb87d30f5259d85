/*
 * broker/places.c - free places, watched descriptors.
 */
#include "broker/places.h"

#include <string.h>
#include <sys/epoll.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/tenant.h"

#define PLACES_SPARE 16 /* that no session gets */
#define PROCESSES 4096	/* that are told apart where places are short */

struct connection *places_find_free(struct broker *b)
{
	unsigned i;

	for (i = 0; i < b->places; i++)
		if (b->connection[i].fd < 0)
			return &b->connection[i];
	if (b->places == b->places_most)
		return NULL;
	b->connection[i].fd = -1;
	b->places++;
	return &b->connection[i];
}

static unsigned tenant_descriptors(const struct tenant *t)
{
	return PLACE_FDS * t->connections + t->relay_files;
}

/*
 * How many t may have, of those that the others have left.  Not all of these: a uid that
 * takes what it can must leave as much again for one that comes later.
 */
static unsigned places_share(const struct broker *b, const struct tenant *t)
{
	unsigned others = 0, left, i;

	for (i = 0; i < b->tenants; i++)
		if (&b->tenant[i] != t)
			others += tenant_descriptors(&b->tenant[i]);
	left = others < b->fds_connections ? b->fds_connections - others : 0;
	return b->system ? left / 2 : left;
}

static int fail_descriptors(const struct broker *b, unsigned share, struct failure *f)
{
	return fail_set(f, FAIL_BUSY,
			"end a session; or start the broker where more files may be open "
			"(ulimit -Hn)",
			"the broker may open no more files for %s than %u",
			b->system ? "this user's connections" : "connections", share);
}

int places_check_descriptors(const struct broker *b, const struct tenant *t, unsigned more,
			     struct failure *f)
{
	unsigned share = places_share(b, t);

	return tenant_descriptors(t) + more <= share ? 0 : fail_descriptors(b, share, f);
}

int places_check_session(const struct broker *b, const struct tenant *t, struct failure *f)
{
	unsigned used = PLACE_FDS * t->opened + t->relay_files, share = places_share(b, t);
	unsigned spare = PLACE_FDS * PLACES_SPARE;

	if (b->system && spare > share / 2)
		spare = share / 2;
	if (t->opened < b->sessions_uid && used + spare <= share)
		return 0;
	if (t->opened == 0)
		return fail_descriptors(b, share, f);
	return fail_set(f, FAIL_BUSY, "end one: ccctl sessions shows them",
			"there are %u sessions already", t->opened);
}

/*
 * One that only asks: it has no session, and does not tell of locks.  Those who wait for
 * the broker's word have no deadline, and connect again.
 */
static bool place_can_be_taken(const struct connection *c, const struct tenant *t, bool marked)
{
	return c->fd >= 0 && c->tenant == t && c->session.state == SESSION_NONE && !c->relay &&
	       !c->watcher && (c->marked || !marked);
}

struct connection *places_find_silent(struct broker *b, const struct tenant *t, bool marked)
{
	/* By the end of its number: a process next to another one has a count of its own. */
	static unsigned short held[PROCESSES];
	struct connection *c, *found = NULL;
	unsigned most = 0, n;

	memset(held, 0, sizeof(held));
	for (c = b->connection; c < b->connection + b->places; c++)
		if (place_can_be_taken(c, t, marked)) {
			n = ++held[(unsigned)c->peer.pid % PROCESSES];
			most = n > most ? n : most;
		}
	for (c = b->connection; c < b->connection + b->places; c++)
		if (place_can_be_taken(c, t, marked) &&
		    held[(unsigned)c->peer.pid % PROCESSES] == most &&
		    (!found || !found->deadline || (c->deadline && c->deadline < found->deadline)))
			found = c;
	return found;
}

int places_watch_other(struct broker *b, int fd, uint64_t id)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = id };

	return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &ev);
}

int places_watch(struct broker *b, const struct connection *c)
{
	return places_watch_other(b, c->fd, (uint64_t)(c - b->connection));
}
