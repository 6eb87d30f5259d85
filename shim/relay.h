/*
 * shim/relay.h - delivery relay: another process uses the key, and the client reaches
 * it through a socket.  It gets a placeholder for a key.
 */
#ifndef SHIM_RELAY_H
#define SHIM_RELAY_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct network;
struct opened_session;
struct provider;
struct relay_socket;

#define RELAY_VARIABLES 6
#define RELAY_VALUE_SIZE 64

struct relay_variables {
	struct {
		const char *name;
		char value[RELAY_VALUE_SIZE]; /* "": it is not set at all */
	} v[RELAY_VARIABLES];
	unsigned n;
};

/*
 * Have the broker start the session's relay at the socket: pass the person's
 * certificates and proxy (n), and the socket.  0 or -1.
 */
int relay_start(const struct opened_session *session, const struct network *n,
		const struct relay_socket *socket, struct failure *f);

/*
 * What the client gets in place of the endpoint and the key: the socket at place, and an
 * address that only the relay knows what to do with.  first_party: the client was seen
 * to use the socket for http://api.anthropic.com, where it behaves as at home.
 */
void relay_variables(const struct provider *p, int place, bool first_party,
		     struct relay_variables *out);

/* Is the variable whose name is n bytes at name among them? */
bool relay_variables_name(const struct relay_variables *r, const char *name, size_t n);

#endif
