/*
 * client/statusline/claude_settings_edit.h - an edit of the member statusLine in Claude
 * Code's settings: checked before it is written, and shown to the person.
 */
#ifndef CLIENT_STATUSLINE_CLAUDE_SETTINGS_EDIT_H
#define CLIENT_STATUSLINE_CLAUDE_SETTINGS_EDIT_H

#include <stddef.h>

struct claude_settings;
struct failure;
struct jt_edit;
struct json_t;

/*
 * Apply e to base (base_n bytes, the text that e was made for) and verify that the
 * result parses and differs from s in statusLine alone, which must be `wanted` (NULL:
 * absent).  Returns the new text, of *n bytes (free it), or NULL with f set.
 */
char *claude_settings_edited(const struct claude_settings *s, const char *base, size_t base_n,
			     const struct jt_edit *e, const struct json_t *wanted, size_t *n,
			     struct failure *f);

/*
 * Print a unified diff to text (n bytes) on standard error, of the lines of statusLine
 * alone: other lines of settings.json may hold keys.
 */
void claude_settings_show_edit(const struct claude_settings *s, const char *text, size_t n);

/* Print statusLine on standard error as lines that a person can paste. */
void claude_settings_show_paste(const struct json_t *value);

#endif
