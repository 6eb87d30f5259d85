/*
 * statusline/redirect.h - does the project's own configuration try to
 * send the client elsewhere, or as somebody else?
 */
#ifndef STATUSLINE_REDIRECT_H
#define STATUSLINE_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>

enum redirect {
	REDIRECT_NONE,
	REDIRECT_IGNORED, /* it tries, and the provider is pinned */
	REDIRECT_ON	  /* it tries, and nothing keeps the client from following */
};

/*
 * Look at .claude/settings.json and settings.local.json of the project (an
 * absolute path, or ""); pinned: the client was told that its host manages the
 * provider.
 */
enum redirect redirect_look(const char *project, bool pinned);

#endif
