/*
 * vault/lock_settings.h - what locks the vault without a command, and how safe the log of
 * its use is.  It is sealed with the entries, so that nobody who can only write the user's
 * files can loosen it.
 */
#ifndef VAULT_LOCK_SETTINGS_H
#define VAULT_LOCK_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;
struct vault;

enum { LOCK_SUSPEND = 1, LOCK_SCREEN = 2, LOCK_LOGOUT = 4, LOCK_EVENTS_ALL = 7 };
#define LOCK_TIME_MAX (366ull * 24 * 3600) /* seconds */

struct lock_settings {
	uint64_t idle;	  /* seconds without a request that used the vault; 0: no limit */
	uint64_t longest; /* seconds since it was opened; 0: no limit */
	unsigned events;  /* LOCK_SUSPEND | ... */
	bool durable;	  /* a release is on the disk, in the log, before it is answered */
};

/* Those of a new vault: every event locks, no time limit. */
extern const struct lock_settings lock_settings_default;

/* The lowest version that has what they say. */
unsigned lock_settings_version(const struct lock_settings *s);

/* The bytes of lock_settings_write in a file of that version, or a higher one. */
size_t lock_settings_size(unsigned version);

/* Write those of that version.  Returns their end. */
uint8_t *lock_settings_write(uint8_t *p, const struct lock_settings *s, unsigned version);

/* Read n bytes of a file of that version.  0, or -1 with FAIL_DAMAGED, FAIL_NEWER (an
 * unknown setting). */
int lock_settings_read(const uint8_t *p, size_t n, unsigned version, struct lock_settings *s,
		       struct failure *f);

/* Would the vault stay open longer, or at an event that locks it now, or would the log be
 * less safe? */
bool lock_settings_loosen(const struct lock_settings *from, const struct lock_settings *to);

struct lock_settings vault_lock_settings(const struct vault *v);

/* vault_undo takes it back.  0, or -1 with FAIL_BAD_VALUE. */
int vault_lock_settings_set(struct vault *v, const struct lock_settings *s, struct failure *f);

#endif
