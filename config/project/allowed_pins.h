/*
 * config/project/allowed_pins.h - the pins that the user has allowed.
 *
 * A pin is allowed by its path and its content.  In a git work tree that its repository
 * knows (git/git_worktree.h), what is allowed holds for a file of the same content at the
 * same place in every other work tree of that repository, too, as long as nothing was
 * decided there.  The whole content is kept, not a digest: it is small, the user can read
 * what was allowed, and ccctl can show what has changed.
 */
#ifndef CONFIG_PROJECT_ALLOWED_PINS_H
#define CONFIG_PROJECT_ALLOWED_PINS_H

#include <stdbool.h>
#include "config/project/project.h"

struct failure;

enum project_standing { PROJECT_UNKNOWN, PROJECT_CHANGED, PROJECT_ALLOWED };

/* Has the user allowed this pin?  0, or -1 with FAIL_UNSAFE_PATH when others can write the
 * file of allowed pins. */
int allowed_standing(const struct project *p, enum project_standing *out, struct failure *f);

/* The content that was last allowed at the path, or "", in out (PROJECT_MAX + 1 bytes).
 * 0 or -1. */
int allowed_text(const char *path, char *out, struct failure *f);

/* Allow this content at the path, and in the path's repository.  0 or -1. */
int allowed_record(const char *path, const char *text, struct failure *f);

/* Forget what was allowed at the path, and at that place of the path's repository.  *was:
 * something had been.  0 or -1. */
int allowed_forget(const char *path, bool *was, struct failure *f);

/* Call each for every pin that was allowed: path and content; for a whole repository,
 * the repository's directory and inside, the pin's path in its work trees (else NULL).
 * 0, or -1 when the file cannot be read or each returned that. */
typedef int allowed_each_fn(void *arg, const char *path, const char *inside, const char *text,
			    struct failure *f);
int allowed_each(allowed_each_fn *each, void *arg, struct failure *f);

#endif
