/*
 * helpers/logind/login1.h - logind (org.freedesktop.login1) on the system bus:
 * on sleep, screen lock and log-out, ask the broker to lock the vault, or each user's
 * vault.
 */
#ifndef HELPERS_LOGIND_LOGIN1_H
#define HELPERS_LOGIND_LOGIN1_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;
struct pollfd;
struct sd_bus;
struct sd_login_monitor;
struct lock_client;
struct login1_session;

struct login1 {
	struct lock_client *broker;
	bool all; /* every user's sessions count, else those of uid */
	uid_t uid;
	struct sd_bus *bus;
	char owner[256]; /* the unique bus name (:1.5) of logind; "" for none */
	int inhibitor;	 /* descriptor of the delay inhibitor: sleep waits for us; or -1 */
	bool released;	 /* for a sleep that has begun */
	bool refused;	 /* the last time that one was asked for, and that was said */
	int64_t asked;	 /* when that was (clock_now_ms) */
	struct login1_session *session; /* all that logind had at the last check */
	unsigned sessions;
	struct sd_login_monitor *monitor; /* of logind's files of sessions; NULL: has none */
	bool stale;			  /* one of those files has changed since the last check */
	bool logged_in;			  /* a log-in that counts was among them */
	int64_t checked;		  /* when that was (clock_now_ms) */
};

/*
 * Connect to the system bus, subscribe to logind's signals, list the sessions, take
 * the inhibitor.  The caller has set l->broker, l->all and l->uid, and l->bus to NULL
 * and l->inhibitor to -1 (or called login1_detach: what was known of the sessions
 * stays, so that a log-out meanwhile is noticed).  Returns 0, or -1 with f set and
 * neither bus nor inhibitor held.
 */
int login1_attach(struct login1 *l, struct failure *f);

/* Release the inhibitor and close the connection to the bus.  Safe twice. */
void login1_detach(struct login1 *l);

/*
 * Handle one message from the bus.  Returns 1: there may be more; 0: there was
 * none; -1: the bus is lost (f set; call login1_detach).
 */
int login1_process(struct login1 *l, struct failure *f);

/* Fill p[LOGIN1_POLLED]: bus and monitor; and *timeout for poll (ms;
 * -1: none). */
#define LOGIN1_POLLED 2
void login1_poll(struct login1 *l, struct pollfd *p, int *timeout);

/* After each poll: check for a log-out that logind does not signal, and ask again for an
 * inhibitor that was refused. */
void login1_tick(struct login1 *l);

#endif
