/*
 * broker/store.h - the vault's file: one lock, atomic replacement, the
 * generation before kept.
 */
#ifndef BROKER_STORE_H
#define BROKER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "base/paths.h"

struct failure;

struct store {
	int dir;  /* descriptor of the private directory */
	int lock; /* vault.lock, held for the broker's life */
	char path[PATH_SIZE]; /* of the vault, for messages */
	struct stat read;     /* the file as it was last read */
	struct stat seen;     /* the file whose contents this broker has; st_ino 0: none */
};

/* Open (make) the directory and take the lock.  FAIL_BUSY: somebody has it. */
int store_open(struct store *s, const char *dir, struct failure *f);
void store_close(struct store *s);

/* 1: there is a vault file; 0: none; -1: cannot tell. */
int store_exists(const struct store *s);

/* Read the vault file (the caller frees *out).  FAIL_NO_VAULT when there is none. */
int store_read(struct store *s, uint8_t **out, size_t *n, struct failure *f);

/* What was read last is what this broker has from now on (it could be opened). */
void store_adopt(struct store *s);

/*
 * Replace it: write vault.new, fsync, keep the present file as vault.prev,
 * rename, fsync the directory.  On failure the present file is untouched.
 * A file that something else changed meanwhile (a backup put back, an editor)
 * is not overwritten: FAIL_EXISTS.
 */
int store_write(struct store *s, const uint8_t *p, size_t n, struct failure *f);

/* To a failure about the file's contents, add which file and the way back. */
void store_explain(const struct store *s, struct failure *f);

#endif
