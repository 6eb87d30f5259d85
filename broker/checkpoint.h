/*
 * broker/checkpoint.h - how far the audit log had come: a small file beside the vault,
 * authenticated with a key that only an open vault gives.
 *
 * The log's chain of hashes shows a change in the middle.  That its end was cut off, or
 * that all of it is gone, shows by this file; that this file and the log were put back
 * together, by the generation of the vault that stands in it.  docs/VAULT.md.
 *
 * MUST: the log is synced before, so that it is ahead of its checkpoint or even with it,
 * whenever the broker or the computer stops.
 */
#ifndef BROKER_CHECKPOINT_H
#define BROKER_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/audit_line.h"
#include "vault/limits.h"
#include "wire/limits.h"

#define CHECKPOINT_TEXT 320 /* bytes of the file at most, with a NUL */

struct checkpoint {
	uint8_t vault[VAULT_ID_LEN];
	uint64_t generation; /* of the vault: the one that is written next, or is there */
	uint64_t seq;	     /* the log's last line */
	char hash[AUDIT_HASH_HEX + 1];
	uint64_t at; /* seconds since the epoch */
};

/* The file's text; returns its length. */
size_t checkpoint_format(const struct checkpoint *c, const uint8_t key[KEY_LEN],
			 char out[CHECKPOINT_TEXT]);

/* False: it is damaged, or was made with another key. */
bool checkpoint_parse(struct checkpoint *c, const uint8_t key[KEY_LEN], const char *text, size_t n);

#endif
