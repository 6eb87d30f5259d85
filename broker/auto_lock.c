/*
 * broker/auto_lock.c - when a vault locks by itself.
 */
#include "broker/auto_lock.h"

#include <string.h>

#include "vault/lock_settings.h"

static const char *const names[LOCK_REASON_COUNT] = {
	[LOCK_REASON_START] = "start",	   [LOCK_REASON_REQUEST] = "request",
	[LOCK_REASON_IDLE] = "idle",	   [LOCK_REASON_LONGEST] = "longest",
	[LOCK_REASON_SUSPEND] = "suspend", [LOCK_REASON_SCREEN] = "screen",
	[LOCK_REASON_LOGOUT] = "logout",   [LOCK_REASON_MOVED] = "moved",
	[LOCK_REASON_HIDDEN] = "hidden",
};

const char *lock_reason_name(enum lock_reason why)
{
	return names[why];
}

int lock_reason_from_name(const char *name)
{
	int i;

	for (i = 0; i < LOCK_REASON_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

bool lock_is_automatic(enum lock_reason why)
{
	return why != LOCK_REASON_REQUEST && why != LOCK_REASON_MOVED && why != LOCK_REASON_HIDDEN;
}

bool lock_event_wanted(const struct lock_settings *s, enum lock_reason why)
{
	switch (why) {
	case LOCK_REASON_SUSPEND:
		return s->events & LOCK_SUSPEND;
	case LOCK_REASON_SCREEN:
		return s->events & LOCK_SCREEN;
	case LOCK_REASON_LOGOUT:
		return s->events & LOCK_LOGOUT;
	default:
		return true;
	}
}

/* Times are at most LOCK_TIME_MAX seconds, so this does not overflow. */
static bool time_is_over(int64_t since, uint64_t seconds, int64_t now)
{
	return seconds > 0 && now - since >= (int64_t)seconds * 1000;
}

enum lock_reason lock_due(const struct lock_settings *s, int64_t opened, int64_t used, int64_t now)
{
	if (time_is_over(opened, s->longest, now))
		return LOCK_REASON_LONGEST;
	if (time_is_over(used, s->idle, now))
		return LOCK_REASON_IDLE;
	return LOCK_REASON_START;
}
