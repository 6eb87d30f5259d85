/*
 * relay/pair_places.c - whose place another request gets.
 */
#include "relay/pair_places.h"

#include <poll.h>

#include "base/clock.h"
#include "relay/deadline.h"
#include "relay/pair_client.h"
#include "relay/pair_end.h"
#include "relay/pair_state.h"

#define STILL_MS 30000 /* the client is on this machine, and writes what it has */

/* The one whose body stopped first, however short ago, or NULL. */
static struct pair *places_find_still(const struct relay *r)
{
	struct pair *found = NULL, *p;
	size_t i;

	for (i = 0; i < r->pair_count; i++) {
		p = r->pairs[i];
		if (p->still_since && (p->state == PAIR_EXCHANGE || p->state == PAIR_MODEL) &&
		    (!found || p->still_since < found->still_since))
			found = p;
	}
	return found;
}

bool pair_is_idle(const struct pair *p)
{
	return p->state == PAIR_HEAD && p->in.to == 0;
}

static struct pair *places_find_idle(const struct relay *r)
{
	size_t i;

	for (i = 0; i < r->pair_count; i++)
		if (pair_is_idle(r->pairs[i]))
			return r->pairs[i];
	return NULL;
}

/* Its turn may be later, after that of who wants its place. */
static bool pair_has_unread(const struct pair *p)
{
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

bool pair_places_free_memory(struct relay *r)
{
	struct pair *p;

	while ((p = places_find_still(r)) != NULL && pair_has_unread(p))
		p->still_since = 0;
	if (!p || clock_now_ms() < p->still_since + STILL_MS)
		return false;
	/* As if the client had gone: the provider has a part of the request. */
	pair_report(p, true);
	pair_answer(p, 408, API_INVALID_REQUEST,
		    "the request's body stopped, and another request needed its place");
	pair_flush(p);
	pair_end(p, true);
	return true;
}

bool pair_places_may_make(const struct relay *r, int *timeout)
{
	const struct pair *p;

	if (places_find_idle(r))
		return true;
	p = places_find_still(r);
	if (!p)
		return false;
	if (clock_now_ms() >= p->still_since + STILL_MS)
		return true;
	deadline_shorten(p->still_since + STILL_MS, timeout);
	return false;
}

bool pair_places_make(struct relay *r)
{
	struct pair *idle = places_find_idle(r);

	if (!idle)
		return pair_places_free_memory(r);
	pair_end(idle, true);
	return true;
}
