/*
 * broker/broker.h - the whole broker's state, in one place.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/tenant.h"

struct arena;

struct broker {
	bool system;
	struct auto_unlock own;
	int listener;
	int epoll;
	int signals;	  /* signalfd: SIGTERM, SIGINT, SIGHUP */
	char socket[PATH_SIZE]; /* ours to unlink, or "" when inherited */
	struct arena *arena;
	uint8_t *packet;  /* WIRE_PACKET_MAX bytes in the arena: what comes in may be a secret */
	uint64_t started; /* seconds since the epoch */
	bool full;	  /* the listener is not watched: no place is free */
	unsigned turn;	  /* of the loop */
	struct tenant tenant[TENANTS_MAX];
	unsigned tenants;
	struct connection *connection; /* `places` of them */
	unsigned places, places_uid, places_marked;
	unsigned connections;
};


#endif
