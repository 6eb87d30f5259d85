/*
 * config/client/settings_files.h - the settings that a person's Claude Code goes by, but for a
 * repository's: the administrator's, those of its `--settings`, the person's own file.
 */
#ifndef CONFIG_CLIENT_SETTINGS_FILES_H
#define CONFIG_CLIENT_SETTINGS_FILES_H

#include <stdbool.h>
#include "base/fail.h"
#include "base/paths.h"

struct json_t;
struct provider;

#define SETTINGS_MANAGED_DIR "/etc/claude-code"
#define SETTINGS_DOCUMENTS_MAX 40

enum settings_layer { SETTINGS_MANAGED, SETTINGS_OPTION, SETTINGS_USER };

struct settings_document {
	enum settings_layer layer;
	char path[PATH_SIZE]; /* of the file; or "--settings" */
	struct json_t *root;  /* an object */
};

struct settings_files {
	struct settings_document document[SETTINGS_DOCUMENTS_MAX]; /* highest first */
	unsigned n;
	struct failure unread; /* with a code: why the person's own file was not read */
};

struct settings_sources {
	const char *managed;	/* directory of managed-settings.json and managed-settings.d */
	const char *config_dir; /* of the person's settings.json */
	char *const *arguments; /* the client's, ends with NULL; or NULL: none */
};

/*
 * Read them as Claude Code does (measured with 2.1.330): files of managed-settings.d come
 * before managed-settings.json, the last by name first; of several `--settings` the last
 * counts; `--setting-sources` can leave out the person's own.  What does not exist is left
 * out.  *out is allocated (settings_files_free).  0; or -1 with f set: managed settings
 * cannot be read, so nobody knows what they want.
 */
int settings_files_read(const struct settings_sources *from, struct settings_files **out,
			struct failure *f);

/* The same for this process's user in a session of p. */
int settings_files_of_person(const struct provider *p, char *const *arguments,
			     struct settings_files **out, struct failure *f);

/* One file by itself, as a project's; it counts as the person's.  None: no document.  0, or -1 as
 * it cannot be read; *out is allocated as above. */
int settings_file_read(const char *path, struct settings_files **out, struct failure *f);

void settings_files_free(struct settings_files *s);

/* A text in the `env` block of a document, or NULL.  It lives as long as the files. */
const char *settings_document_env(const struct settings_document *d, const char *name);

/* The highest document that says so at its top or, for env, in its `env`; or NULL. */
const struct settings_document *settings_files_find(const struct settings_files *s, bool env,
						    const char *name);

#endif
