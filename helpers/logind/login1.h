/*
 * helpers/logind/login1.h - logind (org.freedesktop.login1) on the system bus:
 * what it says of sleep, screen lock and log-out becomes a request to lock.
 */
#ifndef HELPERS_LOGIND_LOGIN1_H
#define HELPERS_LOGIND_LOGIN1_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROGRAM "ccrun-logind"

struct failure;
struct pollfd;
struct sd_bus;
struct lock_client;

struct login1 {
	struct lock_client *watch;
	uid_t uid;
	struct sd_bus *bus;
	char owner[256]; /* the bus name of the process that is logind now; may be empty */
	int inhibitor;	 /* held: sleep waits for us; else -1 */
	bool logged_in;	 /* this uid had a session when we last looked */
	int64_t looked;	 /* when that was (io_now_ms) */
};

/*
 * Connect to the system bus, subscribe, look who is logged in, take the
 * inhibitor.  l->watch and l->uid are set; l->bus is NULL and l->inhibitor -1,
 * or what login1_detach left.  Returns 0, or -1 with f set and nothing held.
 */
int login1_attach(struct login1 *l, struct failure *f);

/* Let go of the bus and the inhibitor.  Safe twice. */
void login1_detach(struct login1 *l);

/*
 * Handle one message.  1: there may be more, 0: nothing to do, -1: the bus is
 * lost (f set; detach).
 */
int login1_process(struct login1 *l, struct failure *f);

/* What to poll for, and for how long at most (ms, -1: for ever). */
void login1_poll(struct login1 *l, struct pollfd *p, int *timeout);

/* After a poll: look for what nobody tells (see login1.c). */
void login1_tick(struct login1 *l);

#endif
