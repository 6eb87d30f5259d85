/*
 * broker/places.c - free places, watched descriptors.
 */
#include "broker/places.h"

#include <string.h>
#include <sys/epoll.h>

#include "base/fail.h"
#include "broker/broker.h"
#include "broker/relay.h"

#define PLACE_FDS 2	/* a connection and its pidfd */
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

int places_check_descriptors(const struct broker *b, struct failure *f)
{
	unsigned used = PLACE_FDS * b->connections + relay_descriptors();

	if (used + PLACE_FDS <= b->fds_connections)
		return 0;
	return fail_set(f, FAIL_BUSY,
			"end a session; or start the broker where more files may be open "
			"(ulimit -Hn)",
			"the broker may open no more files for connections than %u",
			b->fds_connections);
}

int places_check_session(const struct broker *b, const struct tenant *t, struct failure *f)
{
	unsigned used = PLACE_FDS * t->opened + relay_descriptors();

	if (t->opened < b->sessions_uid && used + PLACE_FDS * PLACES_SPARE <= b->fds_connections)
		return 0;
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
