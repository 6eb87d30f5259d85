/*
 * relay/pair_exchange.h - a request goes to the provider, its answer comes back; once more,
 * where the key was renewed meanwhile.
 */
#ifndef RELAY_PAIR_EXCHANGE_H
#define RELAY_PAIR_EXCHANGE_H

#include <stdbool.h>

struct pair;

/* The request may go out, and the key is there: connect, or use the connection that is. */
void pair_connect(struct pair *p);

/* Send what was kept to the provider once more, with the key that has come. */
void pair_send_again(struct pair *p);

/* PAIR_CONNECT, PAIR_EXCHANGE: go on.  True: something went on. */
bool pair_step_connect(struct pair *p);
bool pair_step_exchange(struct pair *p);

#endif
