/*
 * relay/pair_client.h - reading from the client and writing to it.
 */
#ifndef RELAY_PAIR_CLIENT_H
#define RELAY_PAIR_CLIENT_H

#include <stdbool.h>

#include "relay/api_error.h"

struct pair;

/* Read what there is room for; an end, or another process's bytes, ends the pair.  True:
 * some came. */
bool pair_fill(struct pair *p);

/* Write what waits.  True: some went. */
bool pair_flush(struct pair *p);

/* The client gets what waits for it, then the end of the connection.  left: as in
 * pair_report. */
void pair_bid_farewell(struct pair *p, bool left);

/* An answer of our own, and the connection's end. */
void pair_say(struct pair *p, const struct api_error *e);

/* The same from a text, which ccrun's name is put before. */
void pair_answer(struct pair *p, unsigned status, enum api_error_type type, const char *text);

/* The same, with the word of wire/trial.h that tells ccctl test why. */
void pair_answer_because(struct pair *p, unsigned status, enum api_error_type type,
			 const char *text, const char *cause);

/* That there is no locked memory for it. */
void pair_refuse_memory(struct pair *p);

/* PAIR_FAREWELL: go on.  True: something went on. */
bool pair_step_farewell(struct pair *p);

#endif
