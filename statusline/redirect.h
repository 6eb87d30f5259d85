/*
 * statusline/redirect.h - do the project's own settings for the client try to send
 * its requests to another endpoint, or with another credential?
 */
#ifndef STATUSLINE_REDIRECT_H
#define STATUSLINE_REDIRECT_H

#include <stdbool.h>

enum redirect {
	REDIRECT_NONE,
	REDIRECT_IGNORED, /* they try, and the client ignores it */
	REDIRECT_ON	  /* they try, and the client follows */
};

/*
 * Check .claude/settings.json and settings.local.json of the project (an absolute
 * path, or "": none).  pinned: CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST is set, so that
 * the client ignores them.
 */
enum redirect redirect_detect(const char *project, bool pinned);

#endif
