/*
 * client/doctor/configuration.c - checks: can every file of the user's configuration be read?
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/common/links.h"
#include "client/common/options.h"
#include "client/doctor/checks.h"
#include "config/project/allowed_pins.h"
#include "config/project/project.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"
#include "config/settings/pinentry_conf.h"
#include "config/settings/statusline_conf.h"
#include "config/source/source.h"
#include "wire/names.h"

#define ENDING ".conf"

/* ---- providers ---- */

static void provider_check(struct checkup *d, const char *name)
{
	struct failure f = { 0 };
	struct provider *p, *mode;
	unsigned i;

	if (provider_load(name, NULL, &p, &f) != 0) {
		found_failure(d, CHECK_BROKEN, &f, NULL);
		if (!f.hint[0])
			found_hint(d, "ccctl edit %s", name);
		return;
	}
	for (i = 0; i < p->mode_count; i++) {
		if (provider_load(name, p->modes[i], &mode, &f) == 0)
			provider_free(mode);
		else
			found_failure(d, CHECK_BROKEN, &f, "ccctl edit PROVIDER");
	}
	provider_free(p);
}

/*
 * Call each for every file NAME.conf of the user's directory; what has no such name is not read,
 * and a person may wait for it in vain.
 */
static void own_files(struct checkup *d, const char *leaf,
		      void (*each)(struct checkup *d, const char *name))
{
	char path[PATH_SIZE], name[NAME_MAX_LEN + 1];
	struct dirent *e;
	size_t n;
	DIR *dir;

	if (path_of(PATH_CONFIG, leaf, path, NULL) != 0 || !(dir = opendir(path)))
		return;
	while ((e = readdir(dir))) {
		n = strlen(e->d_name);
		if (e->d_name[0] == '.' || e->d_name[n - 1] == '~')
			continue;
		n = n > strlen(ENDING) ? n - strlen(ENDING) : 0;
		snprintf(name, sizeof(name), "%.*s", (int)n, e->d_name);
		if (n && n <= NAME_MAX_LEN && strcmp(e->d_name + n, ENDING) == 0 &&
		    wire_name_ok(name)) {
			if (each)
				each(d, name);
			continue;
		}
		found_advice(d, "a file's name is NAME.conf, of letters, digits and . _ -",
			     "%.120s/%.120s is not read", path, e->d_name);
	}
	closedir(dir);
}

void check_providers(struct checkup *d)
{
	struct failure f = { 0 };
	char **names;
	unsigned i, n = 0;

	if (provider_names(&names, &n, &f) != 0) {
		found_failure(d, CHECK_BROKEN, &f, NULL);
		return;
	}
	for (i = 0; i < n; i++) {
		provider_check(d, names[i]);
		free(names[i]);
	}
	free(names);
	own_files(d, "providers", NULL);
	if (!found_any(d))
		found_ok(d, "the files of all %u can be read", n);
}

/* ---- sources ---- */

static void source_check(struct checkup *d, const char *name)
{
	struct failure f = { 0 };
	struct source_file s;
	char ref[NAME_MAX_LEN + 8];

	snprintf(ref, sizeof(ref), "%s:x", name);
	if (source_load(ref, &s, &f) != 0)
		found_failure(d, CHECK_BROKEN, &f, "see ccrun-source(5)");
}

void check_sources(struct checkup *d)
{
	own_files(d, "sources", source_check);
	if (!found_any(d))
		found_ok(d, "your own files can be read");
}

/* ---- ccrun.conf ---- */

/* The default provider, and the pinentry. */
static void conf_check_values(struct checkup *d, const struct ini_file *file)
{
	const struct ini_item *it = ini_file_get(file, "ccrun", "default");
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], program[PATH_SIZE];
	struct statusline_conf line;
	struct failure f = { 0 };
	struct provider *p;

	if (it && it->value[0]) {
		if (split_provider(it->value, name, mode, &f) == 0 &&
		    provider_load(name, mode, &p, &f) == 0)
			provider_free(p);
		else
			found_failure(d, CHECK_BROKEN, &f, "ccctl default PROVIDER");
	}
	statusline_conf_default(&line);
	if (statusline_conf_read(file, &line, &f) != 0)
		found_failure(d, CHECK_ADVICE, &f, "see ccrun.conf(5)");
	if (pinentry_conf_read(program, &f) < 0)
		found_failure(d, CHECK_BROKEN, &f, "see ccrun.conf(5)");
}

void check_ccrun_conf(struct checkup *d)
{
	struct failure f = { 0 };
	struct ini_file *file = NULL;

	switch (ccrun_conf_read(&file, &f)) {
	case INI_FAILED:
		found_failure(d, CHECK_BROKEN, &f, "see ccrun.conf(5)");
		return;
	case INI_ABSENT:
		found_ok(d, "there is none: everything has its default");
		return;
	case INI_READ:
		break;
	}
	conf_check_values(d, file);
	ini_file_free(file);
	if (!found_any(d))
		found_ok(d, "can be read");
}

/* ---- links ---- */

static void link_check(struct checkup *d, const struct ini_item *it)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], path[PATH_SIZE];
	size_t n = strlen(CCRUN_CONF_WRAP);
	const char *to = strncmp(it->value, CCRUN_CONF_WRAP, n) == 0 ? it->value + n : it->value;
	struct failure f = { 0 };
	struct provider *p;

	if (split_provider(to, name, mode, &f) != 0 || provider_load(name, mode, &p, &f) != 0) {
		found_broken(d, NULL, "%s: %s", it->key, f.what);
		found_hint(d, "ccctl unlink %s, or ccctl link %s PROVIDER", it->key, it->key);
		return;
	}
	provider_free(p);
	if (link_in_path(it->key, true, path))
		return;
	found_advice(d, NULL, "%s is no command in your PATH that this ccrun answers to", it->key);
	found_hint(d, "ccctl link %s %s makes it anew; is its directory in PATH?", it->key, to);
}

void check_links(struct checkup *d)
{
	struct ini_file *file = NULL;
	unsigned i, n = 0;

	if (ccrun_conf_read(&file, NULL) != INI_READ)
		return;
	for (i = 0; i < file->items; i++)
		if (strcmp(file->item[i].section, "links") == 0 && file->item[i].key) {
			n++;
			link_check(d, &file->item[i]);
		}
	ini_file_free(file);
	if (n && !found_any(d))
		found_ok(d, "%u, each in PATH", n);
}

/* ---- the project ---- */

void check_project(struct checkup *d)
{
	static struct project pin;
	enum project_standing standing;
	struct failure f = { 0 };
	struct provider *p;

	switch (project_find(&pin, &f)) {
	case PROJECT_FAILED:
		found_failure(d, CHECK_BROKEN, &f, NULL);
		return;
	case PROJECT_NONE:
		return;
	case PROJECT_FOUND:
		break;
	}
	if (provider_load(pin.provider, pin.mode, &p, &f) != 0) {
		found_broken(d, f.hint, "%s: %s", pin.path, f.what);
		return;
	}
	provider_free(p);
	if (allowed_standing(&pin, &standing, &f) != 0)
		found_failure(d, CHECK_BROKEN, &f, NULL);
	else if (standing == PROJECT_ALLOWED)
		found_ok(d, "%s: %s, allowed", pin.path, pin.provider);
	else
		found_advice(d, "read it, then ccctl allow",
			     standing == PROJECT_CHANGED
				     ? "%s was changed since you allowed it, and is not used"
				     : "%s is not allowed, and not used",
			     pin.path);
}
