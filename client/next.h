/*
 * client/next.h - what a person does next, for `ccctl` alone.
 */
#ifndef CLIENT_NEXT_H
#define CLIENT_NEXT_H

struct client;

/* Print how things stand and the commands that come next.  c: after client_begin, without
 * secrets.  Never fails: what cannot be known is said. */
void next_print(struct client *c);

#endif
