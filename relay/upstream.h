/*
 * relay/upstream.h - connections to the provider (libcurl: names, proxies, TLS).
 *
 * libcurl connects, and then carries bytes; it reads and writes no HTTP but a proxy's
 * CONNECT.  Nothing is asked of the environment: no proxy, no netrc, no certificate.
 */
#ifndef RELAY_UPSTREAM_H
#define RELAY_UPSTREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire/trial.h"

struct failure;
struct relay_settings;
struct upstream;
struct upstreams;

/* How many descriptors upstreams_poll may need: those that connect at the same time. */
#define UPSTREAM_POLLS_MAX 512

enum upstream_state {
	UPSTREAM_CONNECTING,
	UPSTREAM_CONNECTED,
	UPSTREAM_UNREACHABLE, /* as it may be another time: no route, refused, reset */
	UPSTREAM_SLOW,	      /* no connection within its time */
	UPSTREAM_UNTRUSTED    /* as it will be again: a certificate, a proxy's password */
};

/*
 * Make ready for connections to s->url; s outlives it.  libcurl must have been
 * initialised.  NULL with f set.
 */
struct upstreams *upstreams_new(const struct relay_settings *s, struct failure *f);

/*
 * What those that connect wait for: fills p, of max, and shortens *timeout (-1: for ever)
 * to when upstreams_run wants to be called.  Returns how many.
 */
size_t upstreams_poll(struct upstreams *us, struct pollfd *p, size_t max, int *timeout);

/* Go on connecting, after poll(2) has filled the n at p. */
void upstreams_run(struct upstreams *us, const struct pollfd *p, size_t n);

/* Begin to connect.  NULL: no memory. */
struct upstream *upstream_open(struct upstreams *us);

enum upstream_state upstream_state(const struct upstream *u);

/* Why it could not connect: words without an end, with the provider's name. */
const char *upstream_words(const struct upstream *u);

/* The same in one word. */
enum trial upstream_cause(const struct upstream *u);

/* The socket of one that is connected. */
int upstream_fd(const struct upstream *u);

/*
 * As send(2) and recv(2), without waiting: -1 with EAGAIN, or with EIO when the
 * connection is of no further use.  What upstream_send was given and did not take is
 * given again from the same place.  upstream_recv returns 0 at an end that the provider
 * announced; call it until EAGAIN, as poll(2) does not see what TLS has read already.
 */
ssize_t upstream_send(struct upstream *u, const void *p, size_t n);
ssize_t upstream_recv(struct upstream *u, void *p, size_t n);

/* Close it.  NULL-safe. */
void upstream_close(struct upstream *u);

#endif
