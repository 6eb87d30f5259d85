/*
 * git/git_url.h - from a remote's URL to the web page of the repository.
 */
#ifndef GIT_GIT_URL_H
#define GIT_GIT_URL_H

#include <stddef.h>

/*
 * out (size bytes) = the https URL of the page, or "" when there is none to be
 * told.  What stands before the host's @ may be a password or a token: it is never
 * copied.
 */
void git_url_page(const char *url, char *out, size_t size);

#endif
