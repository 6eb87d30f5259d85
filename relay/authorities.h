/*
 * relay/authorities.h - which certificate authorities a relay believes: the distribution's.
 *
 * The system's bundle also has what was added on this machine, and of some of those the key is a file
 * of the user's, or of whoever opens a company's TLS: mkcert, Caddy and mitmproxy put theirs there.  Such a
 * one counts as any further authority does: named (NODE_EXTRA_CA_CERTS), and sealed with the key.
 *
 * Debian, Ubuntu and Alpine have the distribution's by themselves (ca-certificates: AUTHORITIES_SHIPPED);
 * where that is, what counts is in it, and in the bundle, from which an administrator takes some away.
 * Elsewhere all of the bundle counts but what is in a place for additions (authorities_places).
 */
#ifndef RELAY_AUTHORITIES_H
#define RELAY_AUTHORITIES_H

#include <stddef.h>

struct failure;

#define AUTHORITIES_SHIPPED "/usr/share/ca-certificates/mozilla"

/* Directories, with those below them, where an administrator or a program adds authorities to the
 * system's; ends with NULL.  update-ca-certificates(8), update-ca-trust(8). */
extern const char *const authorities_places[];

/*
 * Of the PEM file bundle, what counts.  shipped: a directory, as AUTHORITIES_SHIPPED; places: as
 * authorities_places.  0: *pem (free it) and its length *n, which are text, perhaps without any
 * certificate; *left_out: how many of the bundle do not count.  -1 with f set: out of memory.
 */
int authorities_read(const char *bundle, const char *shipped, const char *const *places, char **pem,
		     size_t *n, unsigned *left_out, struct failure *f);

#endif
