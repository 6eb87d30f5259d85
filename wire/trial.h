/*
 * wire/trial.h - what one request to a provider came to, as one word.
 *
 * ccrun-relay says why nothing passed, in the header of that name in an answer of its own;
 * ccrun-ask says how a trial ended, and ccctl says it to people and programs.  The words stand
 * in files and in JSON: one that is there keeps its meaning.
 */
#ifndef WIRE_TRIAL_H
#define WIRE_TRIAL_H

#include <stdbool.h>

#define TRIAL_HEADER "ccrun-cause"

enum trial {
	TRIAL_WORKS,
	TRIAL_SLOW, /* it works, and took its time */
	/* The provider answered. */
	TRIAL_WRONG_KEY,
	TRIAL_WRONG_PATH, /* no Messages API is there */
	TRIAL_UNKNOWN_MODEL,
	TRIAL_NO_CREDIT,
	TRIAL_RATE_LIMITED,
	TRIAL_BAD_REQUEST,    /* refused for what none of the others is */
	TRIAL_PROVIDER_ERROR, /* it says that it has trouble */
	TRIAL_BROKEN_ANSWER,  /* no HTTP, or cut */
	/* It could not be asked. */
	TRIAL_NO_HOST, /* its name is not known */
	TRIAL_REFUSED, /* nobody listens there */
	TRIAL_UNREACHABLE,
	TRIAL_TIMEOUT,
	TRIAL_PROXY,
	TRIAL_UNKNOWN_AUTHORITY, /* TLS: who signed the certificate */
	TRIAL_OTHER_HOST,	 /* TLS: it is of another name */
	TRIAL_CLOCK,		 /* TLS: it is not valid at this time */
	TRIAL_TLS,		 /* any other trouble with it */
	/* ccrun did not ask. */
	TRIAL_LOCKED,
	TRIAL_LIMIT,
	TRIAL_NO_KEY,
	TRIAL_NO_MODEL,	   /* none was named */
	TRIAL_LAUNCH_ONLY, /* only the client itself can */
	TRIAL_NOT_STARTED,
	TRIALS
};

/* Its word; never NULL. */
const char *trial_name(enum trial t);

/* 0, or -1: there is no such word. */
int trial_from_name(const char *name, enum trial *out);

bool trial_works(enum trial t);

/* Does it tell of the provider, rather than of ccrun? */
bool trial_is_of_provider(enum trial t);

#endif
