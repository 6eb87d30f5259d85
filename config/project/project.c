/*
 * config/project/project.c - finding and parsing a project's pin.
 */
#include "config/project/project.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "config/ini/ini_file.h"
#include "config/provider/provider.h"
#include "config/provider/resolve_models.h"
#include "config/provider/schema.h"
#include "wire/names.h"

#define DEPTH_MAX 256 /* directories upwards, so that the search ends */
#define READ_DEADLINE_MS 5000

static const char hint_only[] = "a pin has provider = NAME, mode = NAME and [models], nothing else";

/* ---- parsing ---- */

static int pin_set_name(const struct ini_item *it, char out[NAME_MAX_LEN + 1], bool may_be_empty,
			struct failure *f)
{
	if (!(may_be_empty && it->value[0] == '\0') && !wire_name_ok(it->value))
		return ini_fail(f, it,
				"a name has letters, digits and . _ -, as `ccrun --list` shows it",
				"%s: not a name", it->key);
	snprintf(out, NAME_MAX_LEN + 1, "%s", it->value);
	return 0;
}

/* The characters of models' names, and nothing that could form a path or a URL. */
static bool pin_model_ok(const char *s)
{
	size_t n =
		strspn(s,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+[]-");

	return n > 0 && n <= PROJECT_MODEL_LEN && s[n] == '\0' && !strstr(s, "..") &&
	       !strstr(s, "://");
}

static int pin_add_model(struct project *p, const struct ini_item *it, struct failure *f)
{
	if (models_check_key(it, true, f) != 0)
		return -1;
	if (!pin_model_ok(it->value))
		return ini_fail(f, it, "letters, digits and . _ : / @ + [ ] - are allowed",
				"%s: not a model's name", it->key);
	if (strcmp(it->key, "context") == 0 && it->value[strspn(it->value, "0123456789")] != '\0')
		return ini_fail(f, it, NULL, "context is a number of tokens");
	snprintf(p->model[p->models].key, sizeof(p->model[0].key), "%s", it->key);
	snprintf(p->model[p->models].value, sizeof(p->model[0].value), "%s", it->value);
	p->models++;
	return 0;
}

static int pin_set_item(struct project *p, const struct ini_item *it, struct failure *f)
{
	if (!it->key)
		return strcmp(it->section, "models") == 0
			       ? 0
			       : ini_fail(f, it, hint_only, "a section that no pin has");
	if (strcmp(it->section, "models") == 0)
		return pin_add_model(p, it, f);
	if (strcmp(it->key, "provider") == 0)
		return pin_set_name(it, p->provider, false, f);
	if (strcmp(it->key, "mode") == 0)
		return pin_set_name(it, p->mode, true, f);
	return ini_fail(f, it, hint_only, "%.64s cannot be set by a project", it->key);
}

int project_parse(struct project *p, struct failure *f)
{
	struct ini_file *file;
	unsigned i;
	int r = 0;

	if (ini_file_parse_in(p->path, "project", p->text, p->n, &file, f) != 0)
		return -1;
	for (i = 0; r == 0 && i < file->items; i++)
		r = pin_set_item(p, &file->item[i], f);
	ini_file_free(file);
	if (r == 0 && !p->provider[0])
		return fail_set(f, FAIL_CONFIG, hint_only, "%s: it names no provider", p->path);
	return r;
}

/* ---- finding and reading ---- */

/* Read and parse the pin in the directory; p->path is set. */
static enum project_search pin_read(int dir, struct project *p, struct failure *f)
{
	int fd = openat(dir, PROJECT_LEAF,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return PROJECT_NONE;
	if (fd < 0 && errno == ELOOP)
		return fail_set(f, FAIL_UNSAFE_PATH, "ccrun PROVIDER goes without it",
				"%s: a symbolic link", p->path);
	if (fd < 0)
		return fail_errno(f, "ccrun PROVIDER goes without it", "%s", p->path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		/* A directory of that name belongs to another program. */
		if (S_ISDIR(st.st_mode))
			return PROJECT_NONE;
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: not a regular file", p->path);
	}
	n = st.st_size > PROJECT_MAX
		    ? -1
		    : io_read_all(fd, p->text, PROJECT_MAX, clock_now_ms() + READ_DEADLINE_MS);
	close(fd);
	if (n < 0)
		return fail_set(f, FAIL_TOO_LARGE, hint_only, "%s: a pin has at most %d bytes",
				p->path, PROJECT_MAX);
	p->text[n] = '\0';
	p->n = (size_t)n;
	return project_parse(p, f) == 0 ? PROJECT_FOUND : PROJECT_FAILED;
}

/* Cut the last name off the path; false at the root. */
static bool path_cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || path[1] == '\0')
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

static enum project_search pin_read_in_directory(int dir, const char *path, struct project *p,
						 struct failure *f)
{
	int n = snprintf(p->path, sizeof(p->path), "%s%s" PROJECT_LEAF, path,
			 strcmp(path, "/") == 0 ? "" : "/");

	if (n >= (int)sizeof(p->path))
		return PROJECT_NONE;
	return pin_read(dir, p, f);
}

enum project_search project_find(struct project *p, struct failure *f)
{
	char at[PATH_SIZE], home[PATH_SIZE], real[PATH_SIZE];
	struct stat st, below;
	enum project_search r = PROJECT_NONE;
	int dir, depth;

	memset(p, 0, sizeof(*p));
	/* The working directory may have been removed: then there is no pin. */
	if (!getcwd(at, sizeof(at)) || at[0] != '/' || stat(at, &below) != 0)
		return PROJECT_NONE;
	if (path_home(home, NULL) != 0 || !realpath(home, real))
		real[0] = '\0';
	for (depth = 0; r == PROJECT_NONE && depth < DEPTH_MAX; depth++) {
		dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0 || fstat(dir, &st) != 0 || st.st_dev != below.st_dev) {
			if (dir >= 0)
				close(dir);
			break;
		}
		r = pin_read_in_directory(dir, at, p, f);
		close(dir);
		if (strcmp(at, real) == 0 || !path_cut_last(at))
			break;
	}
	return r;
}

int project_read(const char *where, struct project *p, struct failure *f)
{
	char real[PATH_SIZE];
	struct stat st;
	enum project_search r;
	char *leaf;
	int dir;

	memset(p, 0, sizeof(*p));
	if (!realpath(where, real) || stat(real, &st) != 0)
		return fail_errno(f, NULL, "%s", where);
	leaf = strrchr(real, '/');
	if (!S_ISDIR(st.st_mode)) {
		if (strcmp(leaf + 1, PROJECT_LEAF) != 0)
			return fail_set(f, FAIL_USAGE, "name the directory, or its " PROJECT_LEAF,
					"%s: not a " PROJECT_LEAF, where);
		leaf[leaf == real ? 1 : 0] = '\0';
	}
	dir = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(f, NULL, "%s", real);
	r = pin_read_in_directory(dir, real, p, f);
	close(dir);
	if (r == PROJECT_NONE)
		return fail_set(f, FAIL_NO_ENTRY, "make one: provider = NAME",
				"there is no " PROJECT_LEAF " in %s", real);
	return r == PROJECT_FOUND ? 0 : -1;
}

int project_models(const struct project *p, struct provider *to, struct failure *f)
{
	unsigned i;

	for (i = 0; i < p->models; i++)
		if (provider_set_model(to, p->model[i].key, p->model[i].value, f) != 0)
			return -1;
	return 0;
}
