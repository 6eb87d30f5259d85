/*
 * broker/broker.h - the state of one broker process.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "base/paths.h"
#include "broker/auto_unlock.h"
#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/tenant.h"

struct arena;

struct broker {
	bool system;	/* serves every user, as a uid of its own; else one user's broker */
	bool watched;	/* the system's watcher is connected: it tells for every tenant */
	bool undelayed; /* and the computer's sleep does not wait for it */
	struct auto_unlock auto_unlock;
	int listener;
	int epoll;
	int signals;		 /* signalfd: SIGTERM, SIGINT, SIGHUP */
	char socket[PATH_SIZE];	 /* the path to unlink at the end; "" for an inherited socket */
	struct stat socket_file; /* what was there when we listened */
	struct arena *arena;
	uint8_t *packet;  /* WIRE_PACKET_MAX bytes in the arena: a packet may carry a secret */
	uint64_t started; /* seconds since the epoch */
	bool full;	  /* no place is free, so the listener is not watched */
	unsigned turn;	  /* of the event loop: counts calls of epoll_wait */
	struct tenant tenant[TENANTS_MAX];
	unsigned tenants;
	struct connection *connection; /* places of them; fd -1 marks a free one */
	unsigned places; /* that were used so far: the others' memory was not touched */
	unsigned places_most;
	unsigned places_uid;	  /* of these, for one uid */
	unsigned places_marked;	  /* of those, for processes inside sessions */
	unsigned sessions_uid;	  /* and for connections with a session */
	unsigned fds_connections; /* descriptors that connections and relays may have */
	unsigned connections;
};

#endif
