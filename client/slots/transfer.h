/*
 * client/slots/transfer.h - sending a vault's file (ciphertext) to the broker and
 * fetching one, in parts that fit into packets.
 */
#ifndef CLIENT_SLOTS_TRANSFER_H
#define CLIENT_SLOTS_TRANSFER_H

#include <stddef.h>
#include <stdint.h>
#include "client/slots/slots.h"

struct client;
struct failure;

/*
 * Fetch the file that the last request (backup, export) made the broker stage; its size
 * is in that reply.  *p: n bytes (free it).  0 or -1.
 */
int transfer_fetch(struct client *c, uint8_t **p, size_t *n, struct failure *f);

/* Send n bytes for the broker to stage; a restore request uses them.  0 or -1. */
int transfer_send(struct client *c, const uint8_t *p, size_t n, struct failure *f);

/* Read a vault's or a backup's file.  *p: n bytes (free it).  0 or -1. */
int transfer_read(const char *file, uint8_t **p, size_t *n, struct failure *f);

/* The slots in a vault's file, which must be well-formed.  0 or -1. */
int transfer_slots(const uint8_t *p, size_t n, struct slots *s, struct failure *f);

#endif
