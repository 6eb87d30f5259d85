/*
 * client/statusline/claude_settings.h - Claude Code's settings.json of this user: read,
 * checked, kept a copy of, and replaced as a whole.
 */
#ifndef CLIENT_STATUSLINE_CLAUDE_SETTINGS_H
#define CLIENT_STATUSLINE_CLAUDE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include "base/paths.h"

struct failure;
struct json_t;

/* Nobody writes one by hand that is larger; the client's own has a few KiB. */
#define SETTINGS_MAX (1024 * 1024)

struct settings {
	char path[PATH_SIZE]; /* as a person names it */
	char real[PATH_SIZE]; /* behind symbolic links: what is replaced */
	bool there;
	struct stat st;	      /* when it is there */
	char *text;	      /* NULL when it is not there */
	size_t n;
	size_t body;	      /* where the object begins; after a byte order mark */
	struct json_t *root;  /* parsed; an empty file is an empty object */
};

/*
 * Find ($CLAUDE_CONFIG_DIR, else ~/.claude) and read.  0, or -1 with f set:
 * among others FAIL_CONFIG when it is no plain JSON object, and then no word
 * of the file is in f (it may hold keys).  settings_free in any case.
 */
int settings_load(struct settings *s, struct failure *f);
void settings_free(struct settings *s);

/* May it be replaced: ours, writable, one name?  0 or -1. */
int settings_may_write(const struct settings *s, struct failure *f);

/* Is there a backup with these n bytes?  Its path in out (PATH_SIZE + 32 bytes). */
bool settings_backup_find(const struct settings *s, const char *text, size_t n, char *out);

/*
 * A copy beside it, same mode, under a name that was free, or an older copy
 * of the same bytes.  out: PATH_SIZE + 32 bytes.  0 or -1.
 */
int settings_backup(const struct settings *s, char *out, struct failure *f);

/*
 * Replace the file by text, unless it was changed since it was read.  Killed
 * at any time it is the old one or the new one.  0 or -1.
 */
int settings_write(const struct settings *s, const char *text, size_t n, struct failure *f);

#endif
