/*
 * broker/auto_lock.h - when a vault locks by itself, and why it was locked.
 * No clock and no state: times and settings are arguments.
 */
#ifndef BROKER_AUTO_LOCK_H
#define BROKER_AUTO_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct lock_settings;

enum lock_reason {
	LOCK_REASON_START,   /* nothing locked it since the broker started */
	LOCK_REASON_REQUEST, /* ccctl lock: wipes entries with keep = yes too */
	LOCK_REASON_IDLE,
	LOCK_REASON_LONGEST,
	LOCK_REASON_SUSPEND,
	LOCK_REASON_SCREEN,
	LOCK_REASON_LOGOUT,
	LOCK_REASON_MOVED,  /* the vault went to another broker */
	LOCK_REASON_HIDDEN, /* clients would not find the broker: wipes all, as a request */
	LOCK_REASON_COUNT
};

/* The name on the wire and in the audit log. */
const char *lock_reason_name(enum lock_reason why);
/* An enum lock_reason, or -1 when the name is unknown. */
int lock_reason_from_name(const char *name);

/* Does a lock for this reason spare entries with keep = yes? */
bool lock_is_automatic(enum lock_reason why);

/* Do the vault's settings want this event to lock it?  True for what is no event. */
bool lock_event_wanted(const struct lock_settings *s, enum lock_reason why);

/*
 * Which of `idle` and `longest` is due at now; LOCK_REASON_START when neither is.
 * opened, used (last use), now: clock_now_ms(), a clock that runs through suspend.
 */
enum lock_reason lock_due(const struct lock_settings *s, int64_t opened, int64_t used, int64_t now);

#endif
