/*
 * helpers/ask/question.h - one request without a key, and its answer (libcurl).
 */
#ifndef HELPERS_ASK_QUESTION_H
#define HELPERS_ASK_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/trial.h"

struct failure;

#define ANSWER_BODY_MAX (4u << 20) /* bytes; OpenRouter's list has half a megabyte */
#define ANSWER_WORDS_MAX 512

struct question {
	const char *base, *path; /* of the URL */
	const char *socket;	 /* a relay's, or NULL: the server itself is asked */
	const char *json;	 /* the body of a POST, or NULL: a GET */
	const char *token;	 /* a placeholder that the server wants as a bearer's, or NULL */
	const char *headers;	 /* more of them, a line each, or NULL */
	long seconds;		 /* for all of it */
};

struct answer {
	long status;		      /* of HTTP; 0: there was none */
	enum trial cause;	      /* why nothing came of it; TRIAL_WORKS: something did */
	char words[ANSWER_WORDS_MAX]; /* with status 0: why, for a person */
	char type[64];		      /* the body's, or "" */
	uint64_t first_ms;	      /* until its first byte */
	unsigned retry;		      /* seconds, when to come again; or 0 */
	size_t n;
	char *body; /* the caller's, to free; a NUL is behind it */
};

/*
 * Ask.  No redirect is followed.  0 with *out: an answer, whatever its status is, or none
 * and why; or -1 with f set: it was not asked, or the answer is too long.
 */
int question_ask(const struct question *q, struct answer *out, struct failure *f);

/* An answer of which nothing came: in one line. */
bool answer_is_none(const struct answer *a);

#endif
