/*
 * broker/places.h - the places for connections, and which descriptors the loop watches.
 */
#ifndef BROKER_PLACES_H
#define BROKER_PLACES_H

#include <stdint.h>

#include <stdbool.h>

struct broker;
struct connection;
struct failure;
struct tenant;

#define PLACE_FDS 2 /* a connection and its pidfd */

/* A free place of b->connection, or NULL. */
struct connection *places_find_free(struct broker *b);

/*
 * 0: so many descriptors more of t leave the broker's own files enough, and other users at
 * least as many as t has; or FAIL_BUSY.
 */
int places_check_descriptors(const struct broker *b, const struct tenant *t, unsigned more,
			     struct failure *f);

/* May t have one session more?  Places stay free for who lists, ends or locks them. */
int places_check_session(const struct broker *b, const struct tenant *t, struct failure *f);

/*
 * Whose place a newcomer of t gets where there are too many: of the connections without a
 * session, one of the process that holds most, and of these the one that was silent for
 * longest.  So who opens connections and holds them keeps nobody else out.  marked: of
 * those from inside sessions.  NULL: there is none.
 */
struct connection *places_find_silent(struct broker *b, const struct tenant *t, bool marked);

/* Have the loop watch c's descriptor; epoll's data is the index of its place.  0, or -1 with errno. */
int places_watch(struct broker *b, const struct connection *c);

/* Have the loop watch another descriptor, with that data.  0, or -1 with errno. */
int places_watch_other(struct broker *b, int fd, uint64_t id);

#endif
