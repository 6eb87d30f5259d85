/*
 * client/doctor/claude_settings.c - checks: settings of Claude Code that say where requests go and
 * as whom.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/doctor/checks.h"
#include "client/facts/machine_file.h"
#include "config/client/client_dir.h"
#include "config/client/settings_files.h"
#include "config/client/settings_variables.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"
#include "wire/limits.h"

#define NAMES_SIZE 200

static const char *const routing[] = { "apiKeyHelper", "awsAuthRefresh", "awsCredentialExport",
				       "gcpAuthRefresh" };
static const char *const forcing[] = { "forceLoginMethod", "forceLoginOrgUUID",
				       "forceLoginGatewayUrl", "allowedProviders" };

static void names_add(char names[NAMES_SIZE], const char *prefix, const char *name)
{
	size_t n = strlen(names);

	snprintf(names + n, NAMES_SIZE - n, "%s%s%.60s", n ? ", " : "", prefix, name);
}

/* What of a document routes, never a value. */
static void document_names(const struct settings_document *s, char names[NAMES_SIZE])
{
	const char *name;
	json_t *value;
	unsigned i;

	names[0] = '\0';
	for (i = 0; i < sizeof(routing) / sizeof(routing[0]); i++)
		if (json_object_get(s->root, routing[i]))
			names_add(names, "", routing[i]);
	for (i = 0; i < sizeof(forcing) / sizeof(forcing[0]); i++)
		if (s->layer == SETTINGS_MANAGED && json_object_get(s->root, forcing[i]))
			names_add(names, "", forcing[i]);
	json_object_foreach(json_object_get(s->root, "env"), name, value)
	{
		if (settings_variable_kind(name) == SETTING_ROUTE)
			names_add(names, "env.", name);
	}
}

/* The person's and the administrator's; NULL with f set. */
static struct settings_files *settings_ask(struct failure *f)
{
	static struct provider none; /* with no directory of its own for claude */
	char dir[PATH_SIZE], managed[MACHINE_PATH];
	struct settings_sources from = { .config_dir = dir };
	struct settings_files *files = NULL;

	from.managed = machine_file_path(SETTINGS_MANAGED_DIR, managed);
	if (client_config_dir(&none, dir, f) != 0 || settings_files_read(&from, &files, f) != 0)
		return NULL;
	return files;
}

void check_settings_managed(struct checkup *d)
{
	struct failure f = { 0 };
	struct settings_files *files = settings_ask(&f);
	char names[NAMES_SIZE];
	unsigned i;

	if (!files) {
		found_failure(d, CHECK_BROKEN, &f, "ask whoever administers this machine");
		return;
	}
	for (i = 0; i < files->n; i++) {
		if (files->document[i].layer != SETTINGS_MANAGED)
			continue;
		document_names(&files->document[i], names);
		if (names[0])
			found_advice(d,
				     "they come before every provider's file; ask whoever "
				     "administers this machine",
				     "the administrator's %s says %s", files->document[i].path,
				     names);
	}
	settings_files_free(files);
	if (!found_any(d))
		found_ok(d, "the administrator sets no address and no login");
}

void check_settings_user(struct checkup *d)
{
	struct settings_files *files = settings_ask(NULL);
	char names[NAMES_SIZE];
	unsigned i;

	if (!files)
		return;
	if (files->unread.code)
		found_failure(d, CHECK_BROKEN, &files->unread, NULL);
	for (i = 0; i < files->n; i++) {
		if (files->document[i].layer != SETTINGS_USER)
			continue;
		document_names(&files->document[i], names);
		if (names[0])
			found_advice(d,
				     "take it out (ccctl import takes keys into the vault), and "
				     "start claude by ccrun",
				     "%s says %s: claude alone goes by it, and a session of ccrun "
				     "does not",
				     files->document[i].path, names);
	}
	settings_files_free(files);
	if (!found_any(d))
		found_ok(d, "your settings name no address and no key");
}

/* A repository's: whoever wrote it would have claude go there. */
void check_settings_project(struct checkup *d)
{
	static const char *const leaves[] = { ".claude/settings.json",
					      ".claude/settings.local.json" };
	char dir[PATH_SIZE], path[PATH_SIZE], home[PATH_SIZE], names[NAMES_SIZE];
	struct settings_files *file;
	struct failure f = { 0 };
	unsigned i;

	/* In the home directory it is the person's own. */
	if (!getcwd(dir, sizeof(dir)) || (path_home(home, NULL) == 0 && strcmp(home, dir) == 0))
		return;
	for (i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, leaves[i]) >= (int)sizeof(path))
			return;
		if (settings_file_read(path, &file, &f) != 0) {
			found_failure(d, CHECK_ADVICE, &f, NULL);
			continue;
		}
		names[0] = '\0';
		if (file->n)
			document_names(&file->document[0], names);
		if (names[0])
			found_advice(d,
				     "read it before you start claude here without ccrun, which "
				     "does not go by it",
				     "%s says %s", path, names);
		settings_files_free(file);
	}
	if (!found_any(d))
		found_ok(d, "this directory's settings name no address and no key");
}

void check_settings_environment(struct checkup *d)
{
	char name[VARIABLE_MAX_LEN + 1], names[NAMES_SIZE] = "";
	char **e;

	/* A session's says what ccrun made of it. */
	if (d->marked)
		return;
	for (e = environ; *e; e++) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
		if (settings_variable_kind(name) == SETTING_ROUTE && !variable_is_secret(name))
			names_add(names, "", name);
	}
	if (names[0])
		found_advice(d,
			     "take it out of the file that sets it; a provider's file says where "
			     "requests go",
			     "your environment says %s: claude alone goes by it, and a session of "
			     "ccrun does not",
			     names);
	else
		found_ok(d, "your environment names no address");
}
