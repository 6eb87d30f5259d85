/*
 * broker/places.h - the places for connections, and which descriptors the loop watches.
 */
#ifndef BROKER_PLACES_H
#define BROKER_PLACES_H

#include <stdint.h>

struct broker;
struct connection;

/* A free place of b->connection, or NULL. */
struct connection *places_find_free(struct broker *b);

/* Have the loop watch c's descriptor; epoll's data is the index of its place.  0, or -1 with errno. */
int places_watch(struct broker *b, const struct connection *c);

/* Have the loop watch another descriptor, with that data.  0, or -1 with errno. */
int places_watch_other(struct broker *b, int fd, uint64_t id);

#endif
