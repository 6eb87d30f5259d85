/*
 * client/common/secret.h - a secret in the client's locked memory.
 */
#ifndef CLIENT_COMMON_SECRET_H
#define CLIENT_COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct failure;

#define PASSPHRASE_MAX 1024 /* bytes; nobody types more */
#define PASSPHRASE_LEAST 8  /* characters; fewer are guessed, whatever Argon2id costs */
#define TRIES 3		    /* how often a question is asked before the verb fails */
#define PIPE_DEADLINE_MS (5 * 60 * 1000) /* the writer of a pipe may first have to ask a person */

struct secret {
	uint8_t *p;  /* in the client's arena */
	size_t n;    /* bytes used */
	size_t room; /* bytes allocated */
	bool more;   /* typed on a terminal: more came at once behind its line, and was dropped */
};

/* Allocate room bytes in c's arena.  0 or -1. */
int secret_new(struct client *c, struct secret *s, size_t room, struct failure *f);

/* Wipe and free.  Safe on a zeroed one. */
void secret_free(struct client *c, struct secret *s);

/*
 * Read one line (without its end) from a descriptor named on the command line, a
 * terminal included.  Nothing after the line is consumed.  0 or -1.
 */
int secret_from_fd(int fd, struct secret *s, struct failure *f);

#endif
