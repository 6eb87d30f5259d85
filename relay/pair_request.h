/*
 * relay/pair_request.h - from a request's head to its leave to go out: the path, the key,
 * the limit.
 */
#ifndef RELAY_PAIR_REQUEST_H
#define RELAY_PAIR_REQUEST_H

#include <stdbool.h>

struct pair;

/* The key is there: ask the broker for what it may cost, once the model is known as far as can
 * be; or go on where there is no limit. */
void pair_reserve(struct pair *p);

/* PAIR_HEAD: go on.  True: something went on. */
bool pair_step_head(struct pair *p);

/* PAIR_MODEL: likewise. */
bool pair_step_model(struct pair *p);

#endif
