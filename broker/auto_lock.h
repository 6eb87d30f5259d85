/*
 * broker/auto_lock.h - when does a vault lock by itself, and why was it locked?
 * Pure: times and settings are arguments.
 */
#ifndef BROKER_AUTO_LOCK_H
#define BROKER_AUTO_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock_settings;

enum lock_why {
	LOCK_WHY_START,	  /* never opened since the broker started */
	LOCK_WHY_REQUEST, /* ccctl lock: spares nothing */
	LOCK_WHY_IDLE,
	LOCK_WHY_LONGEST,
	LOCK_WHY_SUSPEND,
	LOCK_WHY_SCREEN,
	LOCK_WHY_LOGOUT,
	LOCK_WHY_MOVED, /* the vault went to another broker */
	LOCK_WHY_COUNT
};

const char *lock_why_name(enum lock_why why);
/* -1 when unknown. */
int lock_why_from_name(const char *name);

/* Does it spare entries with keep = yes? */
bool lock_automatic(enum lock_why why);

/* Do the settings want this event to lock?  A request always does. */
bool lock_wanted(const struct lock_settings *s, enum lock_why why);

/*
 * What is due at `now`, of idle and longest; LOCK_WHY_START when nothing is.
 * Times are io_now_ms(), a clock that runs through suspend.
 */
enum lock_why lock_due(const struct lock_settings *s, int64_t opened, int64_t used, int64_t now);

#endif
