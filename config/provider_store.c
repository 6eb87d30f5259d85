/*
 * config/provider_store.c - writing one parameter into the user's overlay.
 * It is a person's file: all but the one value stays as it was, byte for byte.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "config/provider_private.h"

/* What to do to the text: del bytes at `at` go, before + "key = " ... come. */
struct edit {
	size_t at, del;
	char insert[PROVIDER_VALUE_MAX + 128];
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Where the value of a line lies, by inih's rules: up to " ;" or the end. */
static void value_span(const char *line, size_t sep, size_t n, size_t *start, size_t *end)
{
	size_t i;

	*start = sep + 1;
	*end = n;
	for (i = sep + 1; i < n; i++)
		if (line[i] == ';' && i > 0 && blank(line[i - 1])) {
			*end = i;
			break;
		}
	while (*start < *end && blank(line[*start]))
		++*start;
	while (*end > *start && blank(line[*end - 1]))
		--*end;
}

/* Is it "key = ..."?  *sep is where the separator stands. */
static bool has_key(const char *line, size_t n, const char *key, size_t *sep)
{
	size_t i = 0, k = strlen(key);

	while (i < n && blank(line[i]))
		i++;
	if (n - i < k || memcmp(line + i, key, k) != 0)
		return false;
	for (i += k; i < n && blank(line[i]); i++)
		;
	*sep = i;
	return i < n && (line[i] == '=' || line[i] == ':');
}

/* 1: the heading of [parameters], 0: another heading, -1: none. */
static int is_heading(const char *line, size_t n)
{
	static const char ours[] = "[parameters]";
	size_t i = 0;

	if (n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < n && blank(line[i]))
		i++;
	if (i == n || line[i] != '[')
		return -1;
	return n - i >= strlen(ours) && memcmp(line + i, ours, strlen(ours)) == 0;
}

static bool counts(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && blank(line[i]))
		i++;
	return i < n && line[i] != ';' && line[i] != '#';
}

/* Find the key's value, else the end of the section, else the end of the text. */
static void find_place(const char *text, size_t len, const char *key, const char *value,
		       struct edit *e)
{
	size_t at, n, sep, start, end, after = 0;
	bool inside = false;
	int h;

	for (at = 0; at < len; at += n) {
		const char *nl = memchr(text + at, '\n', len - at);

		n = nl ? (size_t)(nl - text) - at + 1 : len - at;
		h = is_heading(text + at, nl ? n - 1 : n);
		if (h >= 0)
			inside = h == 1;
		if (inside && h < 0 && has_key(text + at, nl ? n - 1 : n, key, &sep)) {
			value_span(text + at, sep, nl ? n - 1 : n, &start, &end);
			e->at = at + start;
			e->del = end - start;
			snprintf(e->insert, sizeof(e->insert), "%s%s",
				 blank(text[at + start - 1]) ? "" : " ", value);
			return;
		}
		if (inside && counts(text + at, nl ? n - 1 : n))
			after = at + n;
	}
	e->at = after ? after : len;
	e->del = 0;
	snprintf(e->insert, sizeof(e->insert), "%s%s%s = %s\n",
		 e->at && text[e->at - 1] != '\n' ? "\n" : "",
		 after ? "" : len ? "\n[parameters]\n" : "[parameters]\n", key, value);
}

/* The new text, and proof that it says what was meant. */
static int compose(const char *path, const char *text, size_t len, const char *key,
		   const char *value, char **out, size_t *n, struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	struct edit e;
	size_t add;

	find_place(text, len, key, value, &e);
	add = strlen(e.insert);
	*n = len - e.del + add;
	*out = malloc(*n + 1);
	if (!*out)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
	memcpy(*out, text, e.at);
	memcpy(*out + e.at, e.insert, add);
	memcpy(*out + e.at + add, text + e.at + e.del, len - e.at - e.del);
	(*out)[*n] = '\0';
	if (ini_file_parse(path, *out, *n, &file, f) != 0)
		return -1;
	it = ini_file_get(file, "parameters", key);
	if (!it || strcmp(it->value, value) != 0)
		fail_set(f, FAIL_INTERNAL, "edit the file by hand", "%s: cannot place %s in it", path,
			 key);
	add = it && strcmp(it->value, value) == 0;
	ini_file_free(file);
	return add ? 0 : -1;
}

/* The overlay's path, through links (dotfile managers make them), and its mode. */
static int overlay_path(const char *name, char path[PATH_SIZE], mode_t *mode, struct failure *f)
{
	char dir[PATH_SIZE], real[PATH_MAX], leaf[NAME_MAX_LEN + 16];
	struct stat st;
	int fd;

	if (provider_dir(false, dir, &fd, f) != 0)
		return -1;
	if (fd < 0)
		fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(leaf, sizeof(leaf), "providers/%s.conf", name);
	if (path_of(PATH_CONFIG, leaf, path, f) != 0)
		return -1;
	*mode = 0600;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "%s", path);
	if (!realpath(path, real) || stat(real, &st) != 0)
		return fail_errno(f, NULL, "%s", path);
	if (strlen(real) >= PATH_SIZE)
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", path);
	memcpy(path, real, strlen(real) + 1);
	*mode = st.st_mode & 0777;
	return 1;
}

static int store(const char *name, const char *key, const char *value, struct failure *f)
{
	char path[PATH_SIZE], *text = NULL, *fresh = NULL;
	size_t len = 0, n = 0;
	int there, ret = -1;
	mode_t mode;

	there = overlay_path(name, path, &mode, f);
	if (there < 0 || (there && io_slurp(path, INI_FILE_MAX, &text, &len, f) != 0))
		goto out;
	if (compose(path, text ? text : "", len, key, value, &fresh, &n, f) != 0)
		goto out;
	ret = io_replace_file(path, mode, fresh, n, f);
out:
	free(text);
	free(fresh);
	return ret;
}

/* Try the value before it is written: 1 the parameter is known, 0 it is not. */
static int try_value(const char *name, const char *mode, const char *key, const char *value,
		     struct failure *f)
{
	struct provider *p, *without;
	int found;

	if (provider_load_with(name, mode, key, value, &p, f) != 0) {
		/* a mode that is broken anyway is not the value's fault */
		if (mode[0] && provider_load(name, mode, &without, NULL) != 0)
			return 0;
		if (mode[0])
			provider_free(without);
		return -1;
	}
	found = params_find(p, key, strlen(key)) != NULL;
	provider_free(p);
	return found;
}

int provider_set_param(const char *name, const char *key, const char *value, struct failure *f)
{
	struct provider *p;
	unsigned i;
	int r, known;

	if (!params_value_ok(value))
		return fail_set(f, FAIL_BAD_VALUE, "letters, digits and . _ : / @ - are allowed",
				"the value of %.64s has characters that a parameter cannot have", key);
	known = try_value(name, "", key, value, f);
	if (known < 0 || provider_load_with(name, "", key, value, &p, f) != 0)
		return -1;
	for (i = 0; known >= 0 && i < p->mode_count; i++) {
		r = try_value(name, p->modes[i], key, value, f);
		known = r < 0 ? -1 : known | r;
	}
	if (known == 0) {
		fail_set(f, FAIL_NO_ENTRY, "it has none", "%s has no parameter %.64s", name, key);
		if (p->params)
			fail_hint(f, "its first one is %s", p->param[0].name);
	}
	provider_free(p);
	return known > 0 ? store(name, key, value, f) : -1;
}
