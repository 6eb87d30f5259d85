/*
 * broker/connection.h - one client: its peer, its deadline, its session.
 */
#ifndef BROKER_CONNECTION_H
#define BROKER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/peer.h"
#include "wire/limits.h"
#include "wire/policy.h"

struct tenant;
struct watched_quota;
struct broker;

/* A session is a connection that was granted secrets; it lives as long. */
enum session_state {
	SESSION_NONE,
	SESSION_OPENED,	 /* granted; ccrun is about to exec */
	SESSION_ARRIVED, /* the library runs and was looked at */
	SESSION_LIVE	 /* the secrets were handed over */
};

struct session {
	enum session_state state;
	char id[17];
	char provider[NAME_MAX_LEN + 1];
	char mode[NAME_MAX_LEN + 1];
	char entry[SESSION_ENTRIES_MAX][NAME_MAX_LEN + 1];
	char variable[SESSION_ENTRIES_MAX][VARIABLE_MAX_LEN + 1];
	char origin[SESSION_ENTRIES_MAX][ORIGIN_MAX_LEN + 1];
	char config_dir[CONFIG_DIR_MAX + 1]; /* the client's, as the files write it, or "" */
	unsigned entries;
	enum delivery delivery;
	bool strict;
	bool nested;	 /* the requester was marked when it opened */
	bool resumed;	 /* announced an exec; the session lives although it is not LIVE */
	char image[256]; /* what `arrived` was found to be */
};

/* A file (ciphertext) on its way in or out, in parts. */
struct file_transfer {
	uint8_t *p;
	size_t n;
	bool out;
};

struct connection {
	int fd; /* -1: a free place */
	struct peer peer;
	struct tenant *tenant;
	int64_t deadline; /* 0: none */
	bool closing;	  /* drop it when the handler returns */
	bool spoken;	  /* its first message was served */
	bool first;	  /* this is the first, and the kernel cannot say exactly who connected */
	bool marked;	  /* it was when it connected: counted apart */
	bool resting;	  /* not watched until its user has kept us waiting less */
	bool watcher;	  /* says when the computer sleeps; may be silent for ever */
	struct watched_quota *usage; /* it fetches these numbers; or NULL */
	bool waiting;	  /* for its turn to fetch; may be silent for ever */
	bool fetching;	  /* it has the token, and owes numbers */
	char taking[NAME_MAX_LEN + 1]; /* the entry whose token it fetches, or "" */
	struct file_transfer stage;
	struct session session;
};

/* Take a fresh descriptor into place c.  0, or -1: it was answered and closed. */
int connection_accept(struct broker *b, struct connection *c, int fd);

/* One packet is waiting: receive, dispatch, answer. */
void connection_serve(struct broker *b, struct connection *c);

/* Its deadline passed: say so, end it. */
void connection_expire(struct broker *b, struct connection *c);

/* End it; a session that lived is put on record as ended. */
void connection_drop(struct broker *b, struct connection *c);

#endif
