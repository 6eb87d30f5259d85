/*
 * broker/auto_lock.c - when a vault locks by itself.
 */
#include "broker/auto_lock.h"

#include <string.h>

#include "vault/lock_settings.h"


static const char *const names[LOCK_WHY_COUNT] = {
	[LOCK_WHY_START] = "start",	[LOCK_WHY_REQUEST] = "request", [LOCK_WHY_IDLE] = "idle",
	[LOCK_WHY_LONGEST] = "longest", [LOCK_WHY_SUSPEND] = "suspend", [LOCK_WHY_SCREEN] = "screen",
	[LOCK_WHY_LOGOUT] = "logout",	[LOCK_WHY_MOVED] = "moved",
};

const char *lock_why_name(enum lock_why why)
{
	return names[why];
}

int lock_why_from_name(const char *name)
{
	int i;

	for (i = 0; i < LOCK_WHY_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

bool lock_automatic(enum lock_why why)
{
	return why != LOCK_WHY_REQUEST && why != LOCK_WHY_MOVED;
}

bool lock_wanted(const struct lock_settings *s, enum lock_why why)
{
	switch (why) {
	case LOCK_WHY_SUSPEND:
		return s->events & LOCK_SUSPEND;
	case LOCK_WHY_SCREEN:
		return s->events & LOCK_SCREEN;
	case LOCK_WHY_LOGOUT:
		return s->events & LOCK_LOGOUT;
	default:
		return true;
	}
}

/* Settings are bounded (LOCK_TIME_MAX), so this does not overflow. */
static bool over(int64_t since, uint64_t seconds, int64_t now)
{
	return seconds > 0 && now - since >= (int64_t)seconds * 1000;
}

enum lock_why lock_due(const struct lock_settings *s, int64_t opened, int64_t used, int64_t now)
{
	if (over(opened, s->longest, now))
		return LOCK_WHY_LONGEST;
	if (over(used, s->idle, now))
		return LOCK_WHY_IDLE;
	return LOCK_WHY_START;
}
