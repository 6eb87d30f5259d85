/*
 * broker/session_life.c - the table of a session's life.
 */
#include "broker/session_life.h"

#include <stdlib.h>

#include "broker/session.h"

#define ANY (-1)

static const struct session_step steps[] = {
	{ SESSION_OPEN, SESSION_NONE, false, ANY, SESSION_OPENED },
	{ SESSION_ARRIVE, SESSION_OPENED, false, DELIVERY_PRELOAD, SESSION_ARRIVED },
	{ SESSION_CLAIM, SESSION_ARRIVED, false, DELIVERY_PRELOAD, SESSION_LIVE },
	{ SESSION_CLAIM, SESSION_OPENED, false, DELIVERY_ENV, SESSION_LIVE },
	{ SESSION_PIPE, SESSION_OPENED, false, DELIVERY_PIPE, SESSION_LIVE },
	{ SESSION_RELAY, SESSION_OPENED, false, DELIVERY_RELAY, SESSION_LIVE },
	{ SESSION_AGAIN, SESSION_LIVE, false, ANY, SESSION_OPENED },
	/* Said again, after an exec that failed (a name that is not in PATH). */
	{ SESSION_AGAIN, SESSION_OPENED, true, ANY, SESSION_OPENED },
	{ SESSION_AGAIN, SESSION_ARRIVED, true, ANY, SESSION_OPENED },
};

const struct session_step *session_steps(size_t *n)
{
	*n = sizeof(steps) / sizeof(steps[0]);
	return steps;
}

static const struct session_step *find_step(const struct session *s, enum session_event event)
{
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].event == event && steps[i].from == s->state &&
		    (!steps[i].resumed || s->resumed) &&
		    (steps[i].delivery == ANY || steps[i].delivery == (int)s->delivery))
			return &steps[i];
	return NULL;
}

bool session_may(const struct session *s, enum session_event event)
{
	return find_step(s, event) != NULL;
}

void session_step(struct session *s, enum session_event event)
{
	const struct session_step *step = find_step(s, event);

	/* Who did not ask first would hand something over that nobody decided about. */
	if (!step)
		abort();
	s->state = step->to;
	if (event == SESSION_AGAIN)
		s->resumed = true;
	else if (step->to == SESSION_LIVE)
		s->resumed = false;
}
