/*
 * config/ini/ini_edit.c - changing one value in a user's INI file.
 */
#include "config/ini/ini_edit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/ini/ini_value.h"

/* A change of the text: del bytes at `at` are replaced by insert. */
struct ini_change {
	size_t at, del;
	char insert[INI_EDIT_VALUE + INI_SECTION_MAX + 160];
};

static bool edit_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Is it "key = ..."?  *sep is where the separator stands. */
static bool line_has_key(const char *line, size_t n, const char *key, size_t *sep)
{
	size_t i = 0, k = strlen(key);

	while (i < n && edit_is_blank(line[i]))
		i++;
	if (n - i < k || memcmp(line + i, key, k) != 0)
		return false;
	for (i += k; i < n && edit_is_blank(line[i]); i++)
		;
	*sep = i;
	return i < n && (line[i] == '=' || line[i] == ':');
}

enum heading { HEADING_NONE, HEADING_OTHER, HEADING_WANTED };

static enum heading line_heading(const char *line, size_t n, const char *section)
{
	size_t i = 0, k = strlen(section);

	if (n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < n && edit_is_blank(line[i]))
		i++;
	if (i == n || line[i] != '[')
		return HEADING_NONE;
	if (n - i >= k + 2 && memcmp(line + i + 1, section, k) == 0 && line[i + 1 + k] == ']')
		return HEADING_WANTED;
	return HEADING_OTHER;
}

static bool line_has_content(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && edit_is_blank(line[i]))
		i++;
	return i < n && line[i] != ';' && line[i] != '#';
}

/* Add a line at the offset `after`, the end of the section's last line, or, when that is 0, in
 * a new section at the end. */
static void edit_append(const char *text, size_t len, size_t after, const char *section,
			const char *key, const char *value, struct ini_change *e)
{
	char heading[INI_SECTION_MAX + 8] = "";

	e->at = after ? after : len;
	e->del = 0;
	if (!after)
		snprintf(heading, sizeof(heading), "%s[%s]\n", len ? "\n" : "", section);
	snprintf(e->insert, sizeof(e->insert), "%s%s%s = %s\n",
		 e->at && text[e->at - 1] != '\n' ? "\n" : "", heading, key, value);
}

/* Find what to change.  False when there is nothing to remove. */
static bool edit_find(const char *text, size_t len, const char *section, const char *key,
		      const char *value, struct ini_change *e)
{
	size_t at, n, m, sep, after = 0;
	struct ini_span v;
	const char *hint;
	bool inside = false;
	enum heading h;

	for (at = 0; at < len; at += n) {
		const char *nl = memchr(text + at, '\n', len - at);

		n = nl ? (size_t)(nl - text) - at + 1 : len - at;
		m = nl ? n - 1 : n;
		h = line_heading(text + at, m, section);
		if (h != HEADING_NONE)
			inside = h == HEADING_WANTED;
		if (inside && h == HEADING_NONE && line_has_key(text + at, m, key, &sep)) {
			/* The file was read: no value in it is wrong. */
			ini_value_find(text + at + sep + 1, m - sep - 1, &v, &hint);
			e->at = value ? at + sep + 1 + v.from : at;
			e->del = value ? v.to - v.from : n;
			snprintf(e->insert, sizeof(e->insert), "%s%s",
				 !value || edit_is_blank(text[e->at - 1]) ? "" : " ",
				 value ? value : "");
			return true;
		}
		if (inside && line_has_content(text + at, m))
			after = at + n;
	}
	if (value)
		edit_append(text, len, after, section, key, value, e);
	return value != NULL;
}

/* Parse the new text and check that the key has the value. */
static int edit_verify(const char *path, const char *text, size_t n, const char *section,
		       const char *key, const char *value, struct failure *f)
{
	const struct ini_item *it;
	struct ini_file *file;
	bool right;

	if (ini_file_parse(path, text, n, &file, f) != 0)
		return -1;
	it = ini_file_get(file, section, key);
	right = value ? it && strcmp(it->value, value) == 0 : !it;
	ini_file_free(file);
	return right ? 0
		     : fail_set(f, FAIL_INTERNAL, "edit the file by hand",
				"%s: cannot place %s in it", path, key);
}

int ini_edit(const char *path, const char *text, size_t len, const char *section, const char *key,
	     const char *value, char **out, size_t *n, struct failure *f)
{
	struct ini_change e = { .at = len };
	char line[INI_EDIT_VALUE + 3];
	size_t add;

	if (value && ini_value_format(value, line, sizeof(line)) != 0)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "%s: no line can have that value of %s",
				path, key);
	edit_find(text, len, section, key, value ? line : NULL, &e);
	add = strlen(e.insert);
	*n = len - e.del + add;
	*out = malloc(*n + 1);
	if (!*out)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
	memcpy(*out, text, e.at);
	memcpy(*out + e.at, e.insert, add);
	memcpy(*out + e.at + add, text + e.at + e.del, len - e.at - e.del);
	(*out)[*n] = '\0';
	if (edit_verify(path, *out, *n, section, key, value, f) == 0)
		return 0;
	free(*out);
	*out = NULL;
	return -1;
}
