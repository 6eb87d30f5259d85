/*
 * client/statusline/change.h - a change of statusLine in Claude Code's settings, from
 * reading the file to writing it: what install and remove share.
 */
#ifndef CLIENT_STATUSLINE_CHANGE_H
#define CLIENT_STATUSLINE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include "client/statusline/claude_settings.h"
#include "client/statusline/json_text.h"

struct failure;
struct json_t;

#define STATUSLINE_MEMBER "statusLine"

/* Two paths: not for the stack. */
struct statusline_change {
	struct claude_settings s;
	const char *base; /* the text that is edited: the file's, or an empty object */
	size_t base_n;
	struct jt_object top; /* base's object, and where statusLine is in it */
	struct jt_edit e;
	struct json_t *wanted; /* statusLine afterwards; NULL: none */
	char *text;	       /* the whole file afterwards, n bytes */
	size_t n;
	bool yes; /* --yes: do not ask */
};

enum statusline_whose { STATUSLINE_NONE, STATUSLINE_OURS, STATUSLINE_ANOTHERS };

/*
 * Whose status line do the settings have?  *command: its command, in s; if it is
 * ours, the first *word bytes of it name the program.
 */
enum statusline_whose statusline_whose(const struct claude_settings *s, const char **command,
				       size_t *word);

/* Set base and top for the settings in c->s.  0 or -1. */
int statusline_change_find(struct statusline_change *c, struct failure *f);

/* Called after the backup and before the file is replaced.  0 or -1, which stops. */
typedef int statusline_keep(struct statusline_change *c, struct failure *f);

/* Where there is nothing to remove: the copy that a removal which was broken off has left, of
 * which the settings are the same bytes again.  It may hold keys. */
void statusline_remove_left_copy(const struct statusline_change *c);

/*
 * Apply c->e, show the change, ask the person, back the file up and replace it.
 * what: "install" or "remove".  keep may be NULL.  0 or -1.
 */
int statusline_change_carry_out(struct statusline_change *c, const char *what,
				statusline_keep *keep, struct failure *f);

/* Wipe and free what c has.  Safe on a zeroed one. */
void statusline_change_free(struct statusline_change *c);

#endif
