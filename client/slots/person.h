/*
 * client/slots/person.h - showing the broker that a person asks: with the passphrase or
 * the recovery code, asked for once in a run of ccctl.
 */
#ifndef CLIENT_SLOTS_PERSON_H
#define CLIENT_SLOTS_PERSON_H

#include <stdint.h>

struct client;
struct failure;
struct wire_out;

/*
 * Read the line that --passphrase-fd names, which is used in place of the question.  At
 * once: what else the verb reads may follow on the same descriptor.  fd -1: nothing to
 * read.  0 or -1.
 */
int person_read_fd(struct client *c, int fd, struct failure *f);

/*
 * Know the key of a person's slot, by what person_read_fd read, else by what is asked for
 * on the terminal; at once if this run knows it already.  Also for a locked vault, which
 * stays locked.  FAIL_PERSON: there is no such slot, or nobody to ask.  0, connected, or -1.
 */
int person_identify(struct client *c, struct failure *f);

/* Ask the broker whether the key is the slot's, of the open vault.  0, or -1: FAIL_PERSON where
 * it is, and shows no person. */
int person_prove(struct client *c, uint32_t slot, const uint8_t *key, struct failure *f);

/* The slot's key opened it in this run: keep it for person_call.  0 or -1. */
int person_remember(struct client *c, uint32_t slot, const uint8_t *key, struct failure *f);

/* Send a request that wants a person (it is freed), with the proof before it.  The
 * reply as client_call.  person_identify comes before.  0 or -1. */
int person_call(struct client *c, struct wire_out *request, struct failure *f);

#endif
