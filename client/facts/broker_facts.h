/*
 * client/facts/broker_facts.h - the broker, the state of its vault, and what the kernel says of
 * its protections, for ccctl status and ccctl doctor.
 */
#ifndef CLIENT_FACTS_BROKER_FACTS_H
#define CLIENT_FACTS_BROKER_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/paths.h"

struct client;
struct failure;

struct broker_facts {
	const char *state; /* no-vault, no-broker, locked, unlocked */
	char vault[PATH_SIZE], socket[PATH_SIZE];
	bool running;
	bool runtime_ignored; /* XDG_RUNTIME_DIR says where no socket of ours can be */
	char kind[16], version[32];
	uint64_t pid, started, memory_size, memory_used, sessions, relays, releases, waiting;
	bool memory_locked, undumpable, untraced, caged; /* according to broker and kernel */
	uint64_t kernel_locked;				 /* KiB, VmLck */
	bool marked;					 /* this process is inside a session */
	bool system_down; /* a system broker is installed, but does not run */
	char why[16];	  /* why it is locked; "start": not opened since the broker started */
	uint64_t locked_at, kept, asleep;
	bool watched; /* ccrun-logind is connected to the broker */
	bool delays;  /* and the computer's sleep waits for it */
	/* Whose uid a relay has: "own-uid", "user", "none", "ended"; "": unknown. */
	char relay[16];
	bool has_landlock; /* the broker says whether */
	uint64_t landlock; /* the version that it is under, or 0 */
	unsigned slots;	   /* 0: unknown */
	char record[160];  /* what is wrong with the audit log, or "" */
};

/*
 * Ask the broker, if one runs; none is started.  *s is zeroed.  0, or -1: what listens there
 * does not answer as a broker does.
 */
int broker_facts_read(struct client *c, struct broker_facts *s, struct failure *f);

#endif
