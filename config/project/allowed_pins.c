/*
 * config/project/allowed_pins.c - which pins the user has allowed.
 *
 * The key of a record is the pin's path, or "git:REPOSITORY//PATH", which is no path: PATH
 * in every work tree of the repository whose common directory that is.
 */
#include "config/project/allowed_pins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "config/project/allowed_file.h"
#include "git/git_worktree.h"

#define REPOSITORY_MARK "git:"
#define KEY_SIZE (2 * GIT_PATH + 16)

/* The key for the pin's repository, or "" when none vouches for the pin's directory. */
static void key_of_repository(const char *path, char key[KEY_SIZE])
{
	static char repository[GIT_PATH], inside[GIT_PATH];
	char dir[PATH_SIZE];
	char *slash;

	key[0] = '\0';
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return;
	slash[slash == dir] = '\0';
	if (git_worktree_find(dir, repository, inside) && !strchr(repository, '\n'))
		snprintf(key, KEY_SIZE, REPOSITORY_MARK "%s//%s%s" PROJECT_LEAF, repository, inside,
			 inside[0] ? "/" : "");
}

static bool record_has_text(const char *all, const struct allowed_at *at, const char *text)
{
	static char allowed[PROJECT_MAX + 1];

	allowed_file_text(all, at, allowed, PROJECT_MAX);
	return strcmp(allowed, text) == 0;
}

/* Remove the records of the key ("": none), or of those only the ones with this text.  Were there any? */
static bool records_remove(char *all, const char *key, const char *text)
{
	struct allowed_at at;
	size_t from = 0;
	bool any = false;

	while (key[0] && allowed_file_find(all, from, key, &at)) {
		from = at.end;
		if (text && !record_has_text(all, &at, text))
			continue;
		allowed_file_remove(all, &at);
		from = at.start;
		any = true;
	}
	return any;
}

int allowed_text(const char *path, char *out, struct failure *f)
{
	struct allowed_at at;
	char *all;
	int r = allowed_file_load(&all, f);

	out[0] = '\0';
	if (r == 0 && allowed_file_find(all, 0, path, &at))
		allowed_file_text(all, &at, out, PROJECT_MAX);
	free(all);
	return r;
}

/* Was this content allowed at this place of the pin's repository, in whichever work tree? */
static bool allowed_in_repository(const char *all, const struct project *p)
{
	static char key[KEY_SIZE];
	struct allowed_at at;
	size_t from = 0;

	if (!strstr(all, REPOSITORY_MARK))
		return false;
	key_of_repository(p->path, key);
	while (key[0] && allowed_file_find(all, from, key, &at)) {
		if (record_has_text(all, &at, p->text))
			return true;
		from = at.end;
	}
	return false;
}

int allowed_standing(const struct project *p, enum project_standing *out, struct failure *f)
{
	struct allowed_at at;
	char *all;
	int r = allowed_file_load(&all, f);

	*out = PROJECT_UNKNOWN;
	if (r == 0 && !control_active(CONTROL_PROJECT_PIN))
		*out = PROJECT_ALLOWED;
	else if (r == 0 && allowed_file_find(all, 0, p->path, &at))
		*out = record_has_text(all, &at, p->text) ? PROJECT_ALLOWED : PROJECT_CHANGED;
	else if (r == 0 && allowed_in_repository(all, p))
		*out = PROJECT_ALLOWED;
	free(all);
	return r;
}

static bool records_add(char **all, const char *path, const char *repository, const char *text)
{
	records_remove(*all, path, NULL);
	records_remove(*all, repository, text);
	return allowed_file_add(all, path, text) &&
	       (!repository[0] || allowed_file_add(all, repository, text));
}

/* text NULL: forget. */
static int allowed_change(const char *path, const char *text, bool *was, struct failure *f)
{
	static char repository[KEY_SIZE];
	char *all = NULL;
	bool in_path, in_repository;
	int lock, r = -1;

	if (strchr(path, '\n'))
		return fail_set(f, FAIL_UNSAFE_PATH, "rename the directory",
				"a path with a line break cannot be allowed");
	key_of_repository(path, repository);
	lock = allowed_file_lock(f);
	if (lock < 0)
		return -1;
	if (allowed_file_load(&all, f) != 0)
		goto out;
	if (text) {
		if (!records_add(&all, path, repository, text)) {
			fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
			goto out;
		}
	} else {
		in_path = records_remove(all, path, NULL);
		in_repository = records_remove(all, repository, NULL);
		*was = in_path || in_repository;
	}
	r = allowed_file_save(all, f);
out:
	free(all);
	close(lock);
	return r;
}

int allowed_record(const char *path, const char *text, struct failure *f)
{
	return allowed_change(path, text, NULL, f);
}

int allowed_forget(const char *path, bool *was, struct failure *f)
{
	return allowed_change(path, NULL, was, f);
}

int allowed_each(allowed_each_fn *each, void *arg, struct failure *f)
{
	char text[PROJECT_MAX + 1], *all, *key, *inside;
	struct allowed_at at = { 0 };
	int r = allowed_file_load(&all, f);

	while (r == 0 && allowed_file_next(all, at.end, &at)) {
		allowed_file_text(all, &at, text, PROJECT_MAX);
		key = strndup(all + at.start, strcspn(all + at.start, "\n"));
		if (!key) {
			r = fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
			break;
		}
		inside = strncmp(key, REPOSITORY_MARK, strlen(REPOSITORY_MARK)) == 0
				 ? strstr(key, "//")
				 : NULL;
		if (inside)
			*inside = '\0';
		r = each(arg, key + (inside ? strlen(REPOSITORY_MARK) : 0),
			 inside ? inside + 2 : NULL, text, f);
		free(key);
	}
	free(all);
	return r;
}
