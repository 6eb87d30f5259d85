/*
 * wire/usage_place.h - where a provider is asked how much of its quota is used: for each
 * kind of quota a fixed path, the form of the header, and the hosts that may be asked.
 *
 * Whoever asks (ccrun-usage, or a relay for the broker) takes them from here, so that no
 * request can say where a key goes.
 */
#ifndef WIRE_USAGE_PLACE_H
#define WIRE_USAGE_PLACE_H

#include <stdbool.h>

struct failure;

#define USAGE_HOSTS_MAX 4

struct usage_place {
	const char *kind;
	const char *path;		   /* of the URL */
	bool bearer;			   /* "Authorization: Bearer KEY", else the key alone */
	bool own;			   /* the key is the client's log-in, not an entry's */
	const char *host[USAGE_HOSTS_MAX]; /* a key is sent to no others; [0] is the default */
};

/* Where one request goes. */
struct usage_target {
	char url[512];
	char host[256];
	bool loopback; /* on this machine: no proxy, and plain http is allowed */
};

/* The place of the kind of this name, or NULL. */
const struct usage_place *usage_place_find(const char *kind);

/*
 * The URL to ask, from an entry's sealed origin ("bearer https://HOST[:PORT]/PATH"),
 * of which scheme, host and port are used, or with NULL from the place's default host.
 * 0, or -1 with f set (FAIL_ORIGIN): the host is neither one of the place's nor this
 * machine, or the scheme is http and the host is not this machine.
 */
int usage_place_target(const struct usage_place *place, const char *origin,
		       struct usage_target *out, struct failure *f);

#endif
