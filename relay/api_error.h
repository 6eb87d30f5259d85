/*
 * relay/api_error.h - an answer of the relay itself, in the form of the API's errors, so
 * that claude shows its text and waits or gives up as it does for a provider's.
 */
#ifndef RELAY_API_ERROR_H
#define RELAY_API_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_ERROR_TEXT_MAX 1024 /* bytes of a text that are written; the rest is left out */
#define API_ERROR_MAX 8192	/* bytes of a whole answer: a byte of text becomes 6 at most */

/* What stays refused whatever is asked.  Before the words of a 401 and a 403 claude 2.1.332 writes
 * `Please run /login`, which mends nothing and may put another account's login in their place. */
#define API_REFUSED 400

/* The API's word for what is wrong.  claude tries again by the status, not by this. */
enum api_error_type {
	API_ERROR,	      /* api_error */
	API_AUTHENTICATION,   /* authentication_error */
	API_INVALID_REQUEST,  /* invalid_request_error */
	API_NOT_FOUND,	      /* not_found_error */
	API_OVERLOADED,	      /* overloaded_error */
	API_PERMISSION,	      /* permission_error */
	API_RATE_LIMIT,	      /* rate_limit_error */
	API_REQUEST_TOO_LARGE /* request_too_large */
};

struct api_error {
	unsigned status; /* 400 to 599; 500 is written for any other */
	enum api_error_type type;
	const char *text;     /* without secrets; what is not UTF-8 becomes U+FFFD */
	uint32_t retry_after; /* seconds for the field Retry-After; 0: no such field */
	bool close;	      /* announce that the connection ends: the request was not read */
	const char *cause;    /* for ccctl test: a word of wire/trial.h; NULL: none */
};

/* Write the whole answer, head and body.  Returns its length.  It cannot fail. */
size_t api_error_write(const struct api_error *e, char out[API_ERROR_MAX]);

#endif
