/*
 * broker/vault_store.h - the vault's file: one lock, atomic replacement, the
 * generation before kept.
 */
#ifndef BROKER_VAULT_STORE_H
#define BROKER_VAULT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "base/paths.h"

struct failure;

struct vault_store {
	int dir;  /* descriptor of the private directory */
	int lock; /* vault.lock, held for the broker's life */
	char path[PATH_SIZE]; /* of the vault, for messages */
	struct stat read;     /* the file as it was last read */
	struct stat seen;     /* the file whose contents this broker has; st_ino 0: none */
};

/* Open (make) the directory and take the lock.  FAIL_BUSY: somebody has it. */
int store_open(struct vault_store *s, const char *dir, struct failure *f);
void store_close(struct vault_store *s);

/* 1: there is a vault file; 0: none; -1: cannot tell. */
int store_exists(const struct vault_store *s);

/* Read the vault file (the caller frees *out).  FAIL_NO_VAULT when there is none. */
int store_read(struct vault_store *s, uint8_t **out, size_t *n, struct failure *f);

/* What was read last is what this broker has from now on (it could be opened). */
void store_accept(struct vault_store *s);

/*
 * Replace it: write vault.new, fsync, keep the present file as vault.prev,
 * rename, fsync the directory.  On failure the present file is untouched.
 * A file that something else changed meanwhile (a backup put back, an editor)
 * is not overwritten: FAIL_CHANGED.
 */
int store_write(struct vault_store *s, const uint8_t *p, size_t n, struct failure *f);

/* Small files beside the vault, written as it is written. */
#define STORE_KEYFILE "keyfile"
#define STORE_KEYFILE_NEXT "keyfile.next" /* until the vault that it opens is on the disk */
#define STORE_LOCKED "locked" /* it was, and why, while a system broker has no place for its user */
#define STORE_REPLACED "vault.replaced" /* what a restore took the place of */

/* 1 read, 0 there is none, -1.  A file of more than room bytes is an error. */
int store_read_beside(const struct vault_store *s, const char *leaf, void *out, size_t room, size_t *n,
		      struct failure *f);
int store_write_beside(const struct vault_store *s, const char *leaf, const void *p, size_t n, struct failure *f);
int store_remove_beside(const struct vault_store *s, const char *leaf, struct failure *f);
/* Takes the place of a file that has the name `to`. */
int store_rename_beside(const struct vault_store *s, const char *from, const char *to, struct failure *f);

/* Give the present vault the name STORE_REPLACED (or that and a number) too, so
 * that nothing written afterwards ends it; leaf is that name, "" when there is
 * no vault.  0 or -1. */
#define STORE_LEAF_SIZE 32
int store_set_aside(struct vault_store *s, char leaf[STORE_LEAF_SIZE], struct failure *f);

/* Before the first generation of a new vault: what is left of another one, whose
 * file is gone (vault.prev), is set aside. */
int store_set_aside_previous(struct vault_store *s, struct failure *f);

/* Remove the vault and the generation before it: it lives elsewhere now. */
int store_remove(struct vault_store *s, struct failure *f);

/* Forget which file this broker has: the next store_write replaces any. */
void store_forget(struct vault_store *s);

/* To a failure about the file's contents (f may be NULL), add which file and the way back. */
void store_explain_failure(const struct vault_store *s, struct failure *f);

#endif
