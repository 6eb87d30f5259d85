/*
 * config/client/settings_files.c - reading settings files.
 */
#include "config/client/settings_files.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "config/client/client_dir.h"
#include "config/provider/provider.h"

#define SETTINGS_MAX (1024 * 1024) /* bytes; Claude Code's own file has a few KiB */
#define OPTION "--settings"
#define SOURCES "--setting-sources"

/* ---- one document ---- */

/* Not jansson's message: it quotes the text, which may hold a key. */
static int document_parse(const char *path, const char *text, size_t n, json_t **root,
			  struct failure *f)
{
	json_error_t e;
	size_t body = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	if (strspn(text + body, " \t\r\n") == n - body)
		return 0;
	*root = json_loadb(text + body, n - body, JSON_ALLOW_NUL, &e);
	if (json_is_object(*root))
		return 0;
	fail_set(f, FAIL_CONFIG, "what it says counts: mend it", "%s: line %d: not plain JSON",
		 path, *root ? 1 : e.line);
	json_decref(*root);
	*root = NULL;
	return -1;
}

/* *root = the file's contents, NULL when it does not exist or is empty. */
static int document_load(const char *path, json_t **root, struct failure *f)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (io_slurp(path, SETTINGS_MAX, &text, &n, f) != 0)
		return -1;
	r = document_parse(path, text, n, root, f);
	io_wipe(text, n);
	free(text);
	return r;
}

static int files_add(struct settings_files *s, enum settings_layer layer, const char *path,
		     struct failure *f)
{
	struct settings_document *d = &s->document[s->n];
	json_t *root = NULL;

	if (s->n == SETTINGS_DOCUMENTS_MAX)
		return fail_set(f, FAIL_CONFIG, NULL, "more than %d settings files",
				SETTINGS_DOCUMENTS_MAX);
	if (document_load(path, &root, f) != 0)
		return -1;
	if (!root)
		return 0;
	d->layer = layer;
	snprintf(d->path, sizeof(d->path), "%s", path);
	d->root = root;
	s->n++;
	return 0;
}

/* ---- the administrator's ---- */

static int entry_is_settings(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int files_add_managed(struct settings_files *s, const char *dir, struct failure *f)
{
	struct dirent **entry = NULL;
	char path[PATH_SIZE];
	int n, r = 0;

	snprintf(path, sizeof(path), "%s/managed-settings.d", dir);
	n = scandir(path, &entry, entry_is_settings, compare_names);
	if (n < 0 && errno != ENOENT && errno != ENOTDIR)
		return fail_errno(f, NULL, "%s", path);
	while (n-- > 0) {
		if (snprintf(path, sizeof(path), "%s/managed-settings.d/%s", dir,
			     entry[n]->d_name) >= (int)sizeof(path))
			r = fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", dir);
		else if (r == 0)
			r = files_add(s, SETTINGS_MANAGED, path, f);
		free(entry[n]);
	}
	free(entry);
	snprintf(path, sizeof(path), "%s/managed-settings.json", dir);
	return r == 0 ? files_add(s, SETTINGS_MANAGED, path, f) : -1;
}

/* ---- the person's ---- */

/* The value of the client's last option of that name, or NULL. */
static const char *option_value(char *const *arguments, const char *option)
{
	size_t n = strlen(option);
	const char *value = NULL;

	for (; arguments && *arguments && strcmp(*arguments, "--") != 0; arguments++)
		if (strcmp(*arguments, option) == 0 && arguments[1])
			value = *++arguments;
		else if (strncmp(*arguments, option, n) == 0 && (*arguments)[n] == '=')
			value = *arguments + n + 1;
	return value;
}

/* What is wrong with it the client says, and starts nothing. */
static void files_add_option(struct settings_files *s, char *const *arguments)
{
	const char *value = option_value(arguments, OPTION);
	struct settings_document *d = &s->document[s->n];
	json_t *root = NULL;
	int r;

	if (!value || s->n == SETTINGS_DOCUMENTS_MAX)
		return;
	r = value[strspn(value, " \t\r\n")] == '{'
		    ? document_parse(OPTION, value, strlen(value), &root, NULL)
		    : document_load(value, &root, NULL);
	if (r != 0 || !root)
		return;
	d->layer = SETTINGS_OPTION;
	strcpy(d->path, OPTION);
	d->root = root;
	s->n++;
}

static bool user_file_counts(char *const *arguments)
{
	const char *sources = option_value(arguments, SOURCES), *at;

	for (at = sources; at; at = strchr(at, ',')) {
		at += strspn(at, ", \t");
		if (strncmp(at, "user", 4) == 0 && (!at[4] || strchr(", \t", at[4])))
			return true;
	}
	return !sources;
}

/* ---- all of them ---- */

int settings_files_read(const struct settings_sources *from, struct settings_files **out,
			struct failure *f)
{
	struct settings_files *s = calloc(1, sizeof(*s));
	char path[PATH_SIZE];

	*out = s;
	if (!s)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for settings");
	if (files_add_managed(s, from->managed, f) != 0)
		goto bad;
	files_add_option(s, from->arguments);
	if (snprintf(path, sizeof(path), "%s/settings.json", from->config_dir) >=
	    (int)sizeof(path)) {
		fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", from->config_dir);
		goto bad;
	}
	if (user_file_counts(from->arguments))
		files_add(s, SETTINGS_USER, path, &s->unread);
	return 0;
bad:
	settings_files_free(s);
	*out = NULL;
	return -1;
}

int settings_files_of_person(const struct provider *p, char *const *arguments,
			     struct settings_files **out, struct failure *f)
{
	char dir[PATH_SIZE];
	const struct settings_sources from = { SETTINGS_MANAGED_DIR, dir, arguments };

	*out = NULL;
	return client_config_dir(p, dir, f) == 0 ? settings_files_read(&from, out, f) : -1;
}

int settings_file_read(const char *path, struct settings_files **out, struct failure *f)
{
	struct settings_files *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for settings");
	if (files_add(s, SETTINGS_USER, path, f) == 0)
		return 0;
	settings_files_free(s);
	*out = NULL;
	return -1;
}

void settings_files_free(struct settings_files *s)
{
	unsigned i;

	for (i = 0; s && i < s->n; i++)
		json_decref(s->document[i].root);
	free(s);
}

const char *settings_document_env(const struct settings_document *d, const char *name)
{
	return json_string_value(json_object_get(json_object_get(d->root, "env"), name));
}

const struct settings_document *settings_files_find(const struct settings_files *s, bool env,
						    const char *name)
{
	const json_t *at, *found;
	unsigned i;

	for (i = 0; i < s->n; i++) {
		at = s->document[i].root;
		found = json_object_get(env ? json_object_get(at, "env") : at, name);
		/* Of `env` the client takes texts alone. */
		if (env ? json_is_string(found) : found && !json_is_null(found))
			return &s->document[i];
	}
	return NULL;
}
