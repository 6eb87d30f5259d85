/*
 * client/slots/transfer.h - a vault's file (ciphertext) from and to the broker, in
 * parts that fit into packets.
 */
#ifndef CLIENT_SLOTS_TRANSFER_H
#define CLIENT_SLOTS_TRANSFER_H

#include <stddef.h>
#include <stdint.h>
#include "client/slots/slots.h"

struct client;
struct failure;

/* What the broker has just staged; *p is allocated (free). */
int transfer_fetch(struct client *c, uint8_t **p, size_t *n, struct failure *f);

/* Stage n bytes with the broker. */
int transfer_send(struct client *c, const uint8_t *p, size_t n, struct failure *f);

/* A vault's or a backup's file; *p is allocated (free). */
int transfer_read(const char *file, uint8_t **p, size_t *n, struct failure *f);

/* Its slots, checked as the broker checks them. */
int transfer_slots(const uint8_t *p, size_t n, struct slots *s, struct failure *f);

#endif
