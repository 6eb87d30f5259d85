/*
 * wire/trial.c - what one request to a provider came to, as one word.
 */
#include "wire/trial.h"

#include <string.h>

static const char *const names[TRIALS] = {
	[TRIAL_WORKS] = "works",
	[TRIAL_SLOW] = "slow",
	[TRIAL_WRONG_KEY] = "wrong-key",
	[TRIAL_WRONG_PATH] = "wrong-path",
	[TRIAL_UNKNOWN_MODEL] = "unknown-model",
	[TRIAL_NO_CREDIT] = "no-credit",
	[TRIAL_RATE_LIMITED] = "rate-limited",
	[TRIAL_BAD_REQUEST] = "bad-request",
	[TRIAL_PROVIDER_ERROR] = "provider-error",
	[TRIAL_BROKEN_ANSWER] = "broken-answer",
	[TRIAL_NO_HOST] = "no-host",
	[TRIAL_REFUSED] = "refused",
	[TRIAL_UNREACHABLE] = "unreachable",
	[TRIAL_TIMEOUT] = "timeout",
	[TRIAL_PROXY] = "proxy",
	[TRIAL_UNKNOWN_AUTHORITY] = "unknown-authority",
	[TRIAL_OTHER_HOST] = "other-host",
	[TRIAL_CLOCK] = "clock",
	[TRIAL_TLS] = "tls",
	[TRIAL_LOCKED] = "locked",
	[TRIAL_LIMIT] = "limit",
	[TRIAL_NO_KEY] = "no-key",
	[TRIAL_NO_MODEL] = "no-model",
	[TRIAL_LAUNCH_ONLY] = "launch-only",
	[TRIAL_NOT_STARTED] = "not-started",
};

const char *trial_name(enum trial t)
{
	return t < TRIALS ? names[t] : names[TRIAL_NOT_STARTED];
}

int trial_from_name(const char *name, enum trial *out)
{
	unsigned i;

	for (i = 0; i < TRIALS; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum trial)i;
			return 0;
		}
	return -1;
}

bool trial_works(enum trial t)
{
	return t == TRIAL_WORKS || t == TRIAL_SLOW;
}

bool trial_is_of_provider(enum trial t)
{
	return t < TRIAL_LOCKED;
}
