/*
 * helpers/keyring/service.h - connect to the Secret Service on the session bus, and
 * call it with a deadline.
 *
 * libsecret's synchronous calls have no deadline, so only its asynchronous ones are
 * used, one at a time: start the call with service_ready and k as its callback,
 * service_wait, then pass k->result to the call's _finish function.
 */
#ifndef HELPERS_KEYRING_SERVICE_H
#define HELPERS_KEYRING_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <libsecret/secret.h>

struct failure;

struct keyring {
	GDBusConnection *bus;
	SecretService *service;
	GAsyncResult *result; /* of the last call */
	bool done;	      /* the call has its result */
	bool gone;	      /* the service has left the bus */
	int64_t deadline;     /* for all calls together (clock_now_ms) */
	bool prompt;	      /* the service may show a dialog */
};

/*
 * Connect to the session bus and to the Secret Service.  Starts the service if the
 * bus can, but no bus, and shows no dialog.  Clears this process's environment, so
 * call it before other functions of GLib and libsecret.  prompt: later calls may
 * show a dialog, and have two minutes in place of five seconds.  Returns 0, or -1
 * with f set; call service_close in both cases.
 */
int service_open(struct keyring *k, bool prompt, struct failure *f);
void service_close(struct keyring *k);

/* The callback of every asynchronous call; the last argument is the struct keyring. */
void service_ready(GObject *source, GAsyncResult *result, gpointer p);

/*
 * Wait for the call that was started.  doing: how a failure's message begins
 * ("cannot read the key").  Returns 0, or -1 with f set: the deadline has passed, or
 * the service or the bus has ended.  After -1 start no other call, because this one
 * may still be pending; the program must end.
 */
int service_wait(struct keyring *k, const char *doing, struct failure *f);

/* Fill f from a call's error e, and free e.  doing: as in service_wait.  Returns -1. */
int service_error(GError *e, const char *doing, struct failure *f);

#endif
