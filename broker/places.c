/*
 * broker/places.c - free places, watched descriptors.
 */
#include "broker/places.h"

#include <stddef.h>
#include <sys/epoll.h>

#include "broker/broker.h"

struct connection *places_find_free(struct broker *b)
{
	unsigned i;

	for (i = 0; i < b->places; i++)
		if (b->connection[i].fd < 0)
			return &b->connection[i];
	return NULL;
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
