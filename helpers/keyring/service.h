/*
 * helpers/keyring/service.h - the way to the Secret Service: which bus, whether
 * anybody serves there, and how long this program waits for an answer.
 *
 * libsecret's calls are all asynchronous here, one at a time: start one with
 * service_ready and k as its callback, service_wait, then finish k->result.
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
	GAsyncResult *result; /* of the call that service_wait waited for */
	bool done;
	bool gone; /* the service that was reached has left the bus */
	int64_t deadline; /* io_now_ms() value */
	bool prompt;	  /* a dialog of the service's is allowed */
};

/*
 * Connect to the session bus and to the service on it, starting neither a bus
 * nor a dialog.  Empties this process's environment, so call it before any
 * other library's function.  0, or -1 with f set; service_close either way.
 */
int service_open(struct keyring *k, bool prompt, struct failure *f);
void service_close(struct keyring *k);

/* The callback of every call. */
void service_ready(GObject *source, GAsyncResult *result, gpointer k);

/*
 * Wait for the call just started.  doing: what fails when it does not come in
 * time ("cannot read the key").  After -1 nothing may be started any more: the
 * call may still be under way, the program ends.
 */
int service_wait(struct keyring *k, const char *doing, struct failure *f);

/* A call's error, which is freed, as a failure.  Returns -1. */
int service_error(GError *e, const char *doing, struct failure *f);

#endif
