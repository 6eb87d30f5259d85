/*
 * broker/auto_lock.h - when does a vault lock by itself, and why was it locked?
 * Pure: times and settings are arguments.
 */
#ifndef BROKER_AUTO_LOCK_H
#define BROKER_AUTO_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock_settings;

enum lock_reason {
	LOCK_REASON_START,	  /* never opened since the broker started */
	LOCK_REASON_REQUEST, /* ccctl lock: spares nothing */
	LOCK_REASON_IDLE,
	LOCK_REASON_LONGEST,
	LOCK_REASON_SUSPEND,
	LOCK_REASON_SCREEN,
	LOCK_REASON_LOGOUT,
	LOCK_REASON_MOVED, /* the vault went to another broker */
	LOCK_REASON_COUNT
};

const char *lock_reason_name(enum lock_reason why);
/* -1 when unknown. */
int lock_reason_from_name(const char *name);

/* Does it spare entries with keep = yes? */
bool lock_is_automatic(enum lock_reason why);

/* Do the settings want this event to lock?  A request always does. */
bool lock_event_wanted(const struct lock_settings *s, enum lock_reason why);

/*
 * What is due at `now`, of idle and longest; LOCK_REASON_START when nothing is.
 * Times are io_now_ms(), a clock that runs through suspend.
 */
enum lock_reason lock_due(const struct lock_settings *s, int64_t opened, int64_t used, int64_t now);

#endif
