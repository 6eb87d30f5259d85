/*
 * helpers/logind/login1.h - logind (org.freedesktop.login1) on the system bus:
 * on sleep, screen lock and log-out, ask the broker to lock the vault.
 */
#ifndef HELPERS_LOGIND_LOGIN1_H
#define HELPERS_LOGIND_LOGIN1_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;
struct pollfd;
struct sd_bus;
struct lock_client;

struct login1 {
	struct lock_client *broker;
	uid_t uid; /* whose sessions count */
	struct sd_bus *bus;
	char owner[256]; /* the unique bus name (:1.5) of logind; "" for none */
	int inhibitor;	 /* descriptor of the delay inhibitor: sleep waits for us; or -1 */
	bool logged_in;	 /* the uid had a session at the last check */
	int64_t checked; /* when that was (clock_now_ms) */
};

/*
 * Connect to the system bus, subscribe to logind's signals, list the uid's
 * sessions, take the inhibitor.  The caller has set l->broker and l->uid, and
 * l->bus to NULL and l->inhibitor to -1 (or called login1_detach).  Returns 0, or
 * -1 with f set and nothing held.
 */
int login1_attach(struct login1 *l, struct failure *f);

/* Release the inhibitor and close the connection to the bus.  Safe twice. */
void login1_detach(struct login1 *l);

/*
 * Handle one message from the bus.  Returns 1: there may be more; 0: there was
 * none; -1: the bus is lost (f set; call login1_detach).
 */
int login1_process(struct login1 *l, struct failure *f);

/* Fill p with the bus's descriptor and events, and *timeout for poll (ms; -1: none). */
void login1_poll(struct login1 *l, struct pollfd *p, int *timeout);

/* After each poll: check for a log-out that logind does not signal (CHECK_EVERY_MS). */
void login1_tick(struct login1 *l);

#endif
