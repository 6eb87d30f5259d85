/*
 * client/statusline/claude_settings.h - this user's settings.json of Claude Code: read,
 * backed up, and replaced as a whole.
 */
#ifndef CLIENT_STATUSLINE_CLAUDE_SETTINGS_H
#define CLIENT_STATUSLINE_CLAUDE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include "base/paths.h"

struct failure;
struct json_t;

#define CLAUDE_SETTINGS_MAX (1024 * 1024)   /* bytes; Claude Code's own file has a few KiB */
#define CLAUDE_BACKUP_PATH (PATH_SIZE + 32) /* bytes of a backup's path */

struct claude_settings {
	char path[PATH_SIZE]; /* for messages */
	char real[PATH_SIZE]; /* path, symbolic links followed: what is replaced */
	bool there;	      /* the file exists */
	struct stat st;	      /* if there */
	char *text;	      /* the file's bytes; NULL if not there */
	size_t n;
	size_t body;	     /* offset of the JSON text: 3 after a byte order mark */
	struct json_t *root; /* parsed; an empty or missing file is an empty object */
};

/*
 * Find ($CLAUDE_CONFIG_DIR, else ~/.claude) and read the file.  FAIL_CONFIG when it
 * is not a plain JSON object; f then quotes nothing of the file, which may hold keys.
 * 0 or -1; claude_settings_free in either case.
 */
int claude_settings_load(struct claude_settings *s, struct failure *f);
void claude_settings_free(struct claude_settings *s);

/* May the file be replaced: the user's own, writable, no second hard link?  0 or -1. */
int claude_settings_may_write(const struct claude_settings *s, struct failure *f);

/* Does a backup have exactly these n bytes?  Its path in out. */
bool claude_settings_backup_find(const struct claude_settings *s, const char *text, size_t n,
				 char out[CLAUDE_BACKUP_PATH]);

/*
 * Copy the file beside itself, with the same mode, under a name not yet used; an
 * existing backup with the same bytes is used instead.  Its path in out.  0 or -1.
 */
int claude_settings_backup(const struct claude_settings *s, char out[CLAUDE_BACKUP_PATH],
			   struct failure *f);

/*
 * Replace the file by n bytes of text, atomically.  FAIL_CHANGED when it was changed
 * since it was read.  0 or -1.
 */
int claude_settings_write(const struct claude_settings *s, const char *text, size_t n,
			  struct failure *f);

#endif
