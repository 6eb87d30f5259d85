/*
 * broker/file_transfer.h - a vault's file (ciphertext) on its way in or out of a
 * connection, in parts that fit into packets.
 */
#ifndef BROKER_FILE_TRANSFER_H
#define BROKER_FILE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct failure;

/* Begin one, dropping what was there; p (n bytes, malloc) is taken over, or NULL
 * for one that is to be filled.  FAIL_BUSY when the uid moves too many already. */
int file_transfer_begin(struct connection *c, uint8_t *p, size_t n, bool out, struct failure *f);

/* Append to one that is being filled. */
int file_transfer_append(struct connection *c, const uint8_t *p, size_t n, struct failure *f);

/* Safe when there is none. */
void file_transfer_drop(struct connection *c);

#endif
