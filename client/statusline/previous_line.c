/*
 * client/statusline/previous_line.c - $XDG_STATE_HOME/ccrun/statusline.json: an object from
 * the path of a settings file to the text of its earlier statusLine.
 */
#include "client/statusline/previous_line.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"

#define EARLIER_MAX (4 * 1024 * 1024) /* bytes; a settings file may have 1 MiB */

static int previous_line_load(char *path, json_t **root, struct failure *f)
{
	struct stat st;
	char *text;
	size_t n;

	if (path_of(PATH_STATE, "statusline.json", path, f) != 0)
		return -1;
	if (lstat(path, &st) != 0 && errno == ENOENT) {
		*root = json_object();
		return *root ? 0 : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	if (io_slurp(path, EARLIER_MAX, &text, &n, f) != 0)
		return -1;
	*root = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (json_is_object(*root))
		return 0;
	json_decref(*root);
	return fail_set(
		f, FAIL_CONFIG,
		"move it away: the copies beside settings.json have the earlier status line too",
		"%s: not what ccctl wrote", path);
}

static int previous_line_store(const char *path, const json_t *root, struct failure *f)
{
	char dir[PATH_SIZE], *text;
	int fd, r;

	if (json_object_size(root) == 0) {
		if (io_remove_file(path) == 0 || errno == ENOENT)
			return 0;
		return fail_errno(f, NULL, "remove %s", path);
	}
	if (path_of(PATH_STATE, NULL, dir, f) != 0)
		return -1;
	fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (!text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	r = io_replace_file(path, 0600, text, strlen(text), f);
	free(text);
	return r;
}

int previous_line_keep(const char *settings, const char *text, size_t n, struct failure *f)
{
	char path[PATH_SIZE];
	json_t *root;
	int r;

	if (previous_line_load(path, &root, f) != 0)
		return -1;
	if (!text && !json_object_get(root, settings)) {
		json_decref(root);
		return 0;
	}
	r = text ? json_object_set_new(root, settings, json_stringn(text, n))
		 : json_object_del(root, settings);
	if (r == 0)
		r = previous_line_store(path, root, f);
	else
		fail_set(f, FAIL_CONFIG, NULL, "%s: a path that is not UTF-8", settings);
	json_decref(root);
	return r;
}

int previous_line_get(const char *settings, char **text, size_t *n, struct failure *f)
{
	char path[PATH_SIZE];
	json_t *root, *v;
	bool was_there;

	*text = NULL;
	*n = 0;
	if (previous_line_load(path, &root, f) != 0)
		return -1;
	v = json_object_get(root, settings);
	was_there = json_is_string(v);
	if (was_there) {
		*n = json_string_length(v);
		*text = malloc(*n + 1);
		if (*text)
			memcpy(*text, json_string_value(v), *n + 1);
	}
	json_decref(root);
	if (was_there && !*text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	return 0;
}
