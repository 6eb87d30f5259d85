/*
 * broker/vault_store.h - the directory of a vault: one lock, the vault's file with
 * atomic replacement and the generation before it, and small files beside it.
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
	int dir;	       /* descriptor of the private directory */
	int lock;	       /* vault.lock, held as long as the store is open */
	char path[PATH_SIZE];  /* of the vault, for messages */
	struct stat last_read; /* the file as store_read last saw it */
	struct stat current;   /* the file whose contents the broker holds; st_ino 0: none */
};

/* Open (or create) the directory, take the lock, and remove what a broker that was killed had
 * begun to write.  FAIL_BUSY: another broker has
 * it; FAIL_UNSAFE_PATH. */
int store_open(struct vault_store *s, const char *dir, struct failure *f);
void store_close(struct vault_store *s);

/* Write our pid and the path of our socket into the lock's file, for clients that look
 * elsewhere for the socket.  0 or -1. */
int store_say_socket(struct vault_store *s, const char *path, struct failure *f);

/* Is vault.lock at its path still the one that is held?  Clients that do not reach the socket learn
 * by it who holds the vault. */
bool store_lock_is_there(const struct vault_store *s);

enum store_presence {
	STORE_UNKNOWN = -1, /* the directory cannot be read: treat it as PRESENT */
	STORE_ABSENT,
	STORE_PRESENT
};

/* Is there a vault's file? */
enum store_presence store_presence(const struct vault_store *s);

/* Read the vault's file; the caller frees *out.  FAIL_NO_VAULT when there is none;
 * FAIL_UNSAFE_PATH, FAIL_TOO_LARGE. */
int store_read(struct vault_store *s, uint8_t **out, size_t *n, struct failure *f);

/* The file that was read last could be opened: the broker holds its contents now. */
void store_accept(struct vault_store *s);

/*
 * Replace the vault's file: write vault.new, fsync, keep the present file as
 * vault.prev, rename, fsync the directory.  On failure the present file is
 * untouched.  FAIL_CHANGED: something else (a restored backup, an editor) changed
 * the file since this broker read it, so it is not overwritten.
 */
int store_write(struct vault_store *s, const uint8_t *p, size_t n, struct failure *f);

/* Forget which file the broker holds: the next store_write replaces any. */
void store_forget(struct vault_store *s);

/* Remove the vault, and before it the generation before it: it moved to another broker.  -1: the
 * vault is there.  A loss of power just behind it may bring it back. */
int store_remove(struct vault_store *s, struct failure *f);

/* Small files beside the vault, replaced atomically too. */
#define STORE_VAULT "vault"
#define STORE_KEYFILE "keyfile"
#define STORE_KEYFILE_NEXT "keyfile.next" /* until the vault that it opens is on the disk */
#define STORE_LOCKED \
	"locked" /* when and why it was locked, while a system broker has evicted the tenant */
#define STORE_CHECKPOINT "record.checkpoint" /* how far the audit log had come: checkpoint.h */
#define STORE_CHECKPOINT_NEXT \
	"record.checkpoint.next"  /* of a new key, until the vault with it is on the disk */
#define STORE_SPENDING "spending" /* what the entries were used for: broker/spending_file.h */
#define STORE_SPENDING_DAMAGED "spending.damaged" /* one that could not be read as a whole */
#define STORE_REPLACED "vault.replaced"		  /* the vault that a restore replaced */

enum store_read_result { STORE_READ_FAILED = -1, STORE_READ_ABSENT, STORE_READ_DONE };

/* Read up to room bytes of the file into out, *n of them.  f is set when it failed:
 * it is not a private file of the broker's uid, or longer than room. */
enum store_read_result store_read_beside(const struct vault_store *s, const char *leaf, void *out,
					 size_t room, size_t *n, struct failure *f);
int store_write_beside(const struct vault_store *s, const char *leaf, const void *p, size_t n,
		       struct failure *f);
int store_remove_beside(const struct vault_store *s, const char *leaf, struct failure *f);
/* Replaces a file that has the name `to`. */
int store_rename_beside(const struct vault_store *s, const char *from, const char *to,
			struct failure *f);

/*
 * Link the present vault to STORE_REPLACED (or that and a number) too, so that the
 * next store_write does not lose it.  leaf: that name, "" when there is no vault.
 */
#define STORE_LEAF_SIZE 32
int store_set_aside(struct vault_store *s, char leaf[STORE_LEAF_SIZE], struct failure *f);

/* Before the first generation of a new vault: link a vault.prev that an earlier vault
 * left behind in the same way. */
int store_set_aside_previous(struct vault_store *s, struct failure *f);

/* To a failure about the file's contents (f may be NULL), add the file's path and
 * what can be restored. */
void store_explain_failure(const struct vault_store *s, struct failure *f);

#endif
