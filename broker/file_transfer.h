/*
 * broker/file_transfer.h - a vault's file (ciphertext) that goes over a connection in
 * parts, since it is larger than a packet: out for backup and export, in for restore.
 */
#ifndef BROKER_FILE_TRANSFER_H
#define BROKER_FILE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct failure;

struct file_transfer {
	uint8_t *p; /* malloc; NULL: there is none */
	size_t n;
	bool out; /* to the client; else from it */
};

/*
 * Begin a transfer, dropping the connection's earlier one.  p (n bytes, malloc) is
 * taken over, also on failure; NULL for a file that the client sends.  FAIL_BUSY
 * when the uid has TRANSFERS_UID of them already, or FAIL_NO_MEMORY.
 */
int file_transfer_begin(struct connection *c, uint8_t *p, size_t n, bool out, struct failure *f);

/* Append n bytes to a file that the client sends.  FAIL_TOO_LARGE: it was over
 * VAULT_FILE_MAX and is dropped. */
int file_transfer_append(struct connection *c, const uint8_t *p, size_t n, struct failure *f);

/* Free it; safe when there is none. */
void file_transfer_drop(struct connection *c);

#endif
