/*
 * client/common/connection.h - the connection to the broker that every verb has.
 */
#ifndef CLIENT_COMMON_CONNECTION_H
#define CLIENT_COMMON_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/paths.h"
#include "client/common/secret.h"
#include "dial/dial.h"

struct arena;
struct failure;

struct client {
	struct arena *arena;   /* locked memory; NULL for a verb that handles no secret */
	uint8_t *buf;	       /* replies, WIRE_PACKET_MAX bytes; in the arena when there is one */
	bool connected;	       /* dial must be closed */
	enum dial_where where; /* which broker; DIAL_ANY at first */
	struct dial dial;
	/* What the broker said at the last client_connect. */
	char state[16];	 /* none, locked, unlocked */
	char why[16];	 /* why it is locked; "start": not unlocked since the broker started */
	uint64_t asleep; /* entries whose key was wiped because its ttl had passed */
	bool watched;	 /* somebody tells it of suspend, screen lock and log-out */
	char vault[PATH_SIZE]; /* path of the vault file */
	/* client/slots/person.h: what was read from --passphrase-fd, and the slot that a
	 * person has opened in this run, with its key.  p is NULL before. */
	struct secret given;
	uint32_t person_slot;
	struct secret person_key;
};

/*
 * Allocate the reply buffer; secrets: in an arena of locked memory.  Connects to
 * nothing.  0 or -1; client_end in either case.
 */
int client_begin(struct client *c, bool secrets, struct failure *f);
void client_end(struct client *c);

/*
 * Close the connection, if any, connect again and authenticate the broker (hello);
 * only then may a secret be sent.  The broker closes idle connections, and a person
 * takes longer to answer a prompt: so connect again after every prompt.
 * start: start a broker when none runs; else FAIL_NO_BROKER.  0 or -1.
 */
int client_connect(struct client *c, bool start, struct failure *f);

/*
 * This process is marked: fill f in, FAIL_MARKED.  Where no session is seen above it, the
 * broker is told, if one runs, so that the audit log has it, and its word is taken.
 * Returns -1.
 */
int client_refuse_marked(struct failure *f);

/* Send a request (which is freed) and wait for the reply: c->dial.in.top.  0 or -1. */
int client_call(struct client *c, struct wire_out *request, struct failure *f);

/* The vault is open, or about to be: start a watcher (start/watcher.h) unless the broker
 * had one at the last client_connect. */
void client_watch(const struct client *c);

/* Does this user have a vault file?  For when no broker can be asked. */
bool user_vault_file_exists(void);

#endif
