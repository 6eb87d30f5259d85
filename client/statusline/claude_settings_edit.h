/*
 * client/statusline/claude_settings_edit.h - what the parts of ccctl statusline share.
 */
#ifndef CLIENT_STATUSLINE_CLAUDE_SETTINGS_EDIT_H
#define CLIENT_STATUSLINE_CLAUDE_SETTINGS_EDIT_H

#include "client/statusline/claude_settings.h"

struct failure;
struct jt_edit;
struct json_t;

/*
 * Apply the edit to the settings' text and make sure that the result says
 * what it said, but for statusLine, which must now be `wanted` (NULL: gone).
 * base: the text that the edit is of.  Returns the whole new text (the caller
 * frees it), or NULL with f set.
 */
char *edit_checked(const struct settings *s, const char *base, size_t base_n, const struct jt_edit *e,
		   const struct json_t *wanted, size_t *n, struct failure *f);

/*
 * The change on standard error, as a unified diff of the one member and of
 * nothing beside it: other lines of settings.json may hold keys.
 */
void edit_show(const struct settings *s, const char *text, size_t n);

/* statusLine as lines to paste, on standard error. */
void edit_paste(const struct json_t *value);

struct preview {
	const char *columns; /* a number, or NULL */
	const char *input;   /* a file, "-", or NULL for samples */
};

/* Run the installed program on samples, or on a file.  Exit code or -1. */
int statusline_preview(const struct preview *p, struct failure *f);

#endif
