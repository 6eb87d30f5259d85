/*
 * helpers/models/models_get.h - one GET request without a key (libcurl).
 */
#ifndef HELPERS_MODELS_MODELS_GET_H
#define HELPERS_MODELS_MODELS_GET_H

#include <stddef.h>

struct failure;

#define MODELS_BODY_MAX (4u << 20) /* bytes; OpenRouter's list has half a megabyte */

struct models_answer {
	long status; /* of HTTP */
	size_t n;
	char *body; /* the caller's, to free */
};

/*
 * Ask for base + path, over the unix socket of a relay where socket is not NULL.  No redirect is
 * followed.  0 with *out, whatever the status is; or -1 with f set: nothing answers, no time, or
 * too much.
 */
int models_get(const char *base, const char *path, const char *socket, struct models_answer *out,
	       struct failure *f);

#endif
