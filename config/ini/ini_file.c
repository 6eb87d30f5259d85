/*
 * config/ini/ini_file.c - reading one INI file.  inih splits lines into keys and
 * values; what it would accept silently (long lines, cut section names, duplicates,
 * control characters) is refused here.
 */
#include "config/ini/ini_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "config/ini/ini_value.h"

#define LINE_MAX_LEN 2000   /* the longest value is 1024 bytes; the rest is for a comment */
#define READ_DEADLINE 10000 /* ms; configuration may lie on a slow network file system */

/* The state that inih's two callbacks share: the one that gives it lines, and the one that takes
 * its items. */
struct ini_reading {
	struct ini_file *file;
	const char *text, *next;
	const char *begin; /* the section of the lines before the first heading, or NULL */
	unsigned line;
	bool failed;
	struct failure *f;
};

int ini_fail(struct failure *f, const struct ini_item *at, const char *hint, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail_set(f, FAIL_CONFIG, hint, "%s:%u: %s", at->path, at->line, text);
}

static int reading_fail(struct ini_reading *r, const char *hint, const char *why)
{
	struct ini_item at = { .path = r->file->path, .line = r->line };

	r->failed = true;
	return ini_fail(r->f, &at, hint, "%s", why);
}

/* Append an item; key NULL for a heading.  0, or -1 and failed is set. */
static int reading_append(struct ini_reading *r, const char *section, const char *key,
			  const char *value)
{
	struct ini_file *file = r->file;
	struct ini_item *it;

	if (file->items == INI_ITEMS_MAX)
		return reading_fail(r, NULL, "too many lines with keys");
	it = &file->item[file->items];
	it->path = file->path;
	it->line = r->line;
	it->section = strdup(section);
	it->key = key ? strdup(key) : NULL;
	it->value = strdup(value);
	file->items++;
	if (!it->section || (key && !it->key) || !it->value) {
		r->failed = true;
		return fail_set(r->f, FAIL_NO_MEMORY, NULL, "%s: no memory", file->path);
	}
	return 0;
}

static const char *skip_blank(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/*
 * Record a heading, because inih reports none: an empty section counts too.  A name that
 * inih would cut is refused.
 */
static int reading_append_heading(struct ini_reading *r, const char *line)
{
	const char *p = skip_blank(line), *end;
	char name[INI_SECTION_MAX + 1];
	size_t n;

	if (*p != '[')
		return 0;
	end = strchr(++p, ']');
	if (!end)
		return reading_fail(r, NULL, "a section's heading without ']'");
	n = (size_t)(end - p);
	end = skip_blank(end + 1);
	if (*end && !strchr(";#\r\n", *end))
		return reading_fail(r, NULL, "text behind a section's heading");
	if (n == 0 || n > INI_SECTION_MAX)
		return reading_fail(r, NULL, "a section's name has 1 to 48 characters");
	memcpy(name, p, n);
	name[n] = '\0';
	return reading_append(r, name, NULL, "");
}

/* Give inih the next line, as fgets(3) does. */
static char *reading_next_line(char *line, int size, void *stream)
{
	struct ini_reading *r = stream;
	const char *end = strchr(r->next, '\n');
	size_t n = end ? (size_t)(end - r->next) + 1 : strlen(r->next);

	if (r->begin) {
		snprintf(line, (size_t)size, "[%s]\n", r->begin);
		r->begin = NULL;
		return line;
	}
	if (r->failed || n == 0)
		return NULL;
	r->line++;
	if (n > LINE_MAX_LEN || n >= (size_t)size) {
		reading_fail(r, NULL, "the line is longer than 2000 characters");
		return NULL;
	}
	memcpy(line, r->next, n);
	line[n] = '\0';
	r->next += n;
	return reading_append_heading(r, line) == 0 ? line : NULL;
}

/* Append a key with its value, without what stands around that. */
static int reading_append_value(struct ini_reading *r, const char *section, const char *key,
				const char *value)
{
	char clean[LINE_MAX_LEN + 1];
	const char *hint, *why;
	struct ini_span v;

	why = ini_value_find(value, strlen(value), &v, &hint);
	if (why)
		return reading_fail(r, hint, why);
	memcpy(clean, value + v.start, v.end - v.start);
	clean[v.end - v.start] = '\0';
	return reading_append(r, section, key, clean);
}

/* "NAME = VALUE", what stood behind "header:": the whole key, and where the value begins. */
static int split_header(const char *text, char *key, size_t size, const char **value)
{
	const char *equals = strchr(text, '=');
	size_t n = (size_t)(equals - text);
	int len;

	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	len = snprintf(key, size, "header:%.*s", (int)n, text);
	*value = skip_blank(equals + 1);
	return n > 0 && len > 0 && (size_t)len < size ? 0 : -1;
}

static int reading_handle_item(void *user, const char *section, const char *key, const char *value)
{
	struct ini_reading *r = user;
	struct ini_file *file = r->file;
	struct ini_item at = { .path = file->path, .line = r->line };
	const struct ini_item *before;
	char whole[80];

	if (r->failed)
		return 0;
	/* inih ends a key at its first colon: "header:NAME = VALUE" is a key, too. */
	if (strcmp(key, "header") == 0 && value && strchr(value, '=')) {
		if (split_header(value, whole, sizeof(whole), &value) != 0)
			return reading_fail(r, "lines are: header:NAME = value",
					    "no name of a header before '='"),
			       0;
		key = whole;
	}
	if (!section[0])
		return reading_fail(r, "begin with [provider]", "a key outside of a section"), 0;
	if (!key[0])
		return reading_fail(r, NULL, "a value without a key"), 0;
	before = ini_file_get(file, section, key);
	if (before) {
		r->failed = true;
		ini_fail(r->f, &at, NULL, "%.64s is there already, at line %u", key, before->line);
		return 0;
	}
	return reading_append_value(r, section, key, value ? value : "") == 0;
}

/* Control characters could fake lines in messages or drive a terminal. */
static int reading_check_bytes(struct ini_reading *r, size_t n)
{
	const char *p = r->text;
	size_t i;

	r->line = 1;
	for (i = 0; i < n; i++) {
		if (p[i] == '\n')
			r->line++;
		else if (p[i] == 0)
			return reading_fail(r, NULL, "a NUL byte");
		else if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
			continue;
		else if (p[i] != '\t' && utf8_control(p + i, n - i))
			return reading_fail(r, NULL, "a control character");
	}
	r->line = 0;
	return 0;
}

static int reading_parse(struct ini_reading *r)
{
	int bad;

	ini_max_line = LINE_MAX_LEN + 8;
	ini_use_stack = true;
	/* An indented line is a key like any other, not a continuation. */
	ini_allow_multiline = false;
	/* Not before quotes are seen: ini_value_find. */
	ini_allow_inline_comments = false;
	ini_stop_on_first_error = true;
	ini_allow_no_value = false;
	bad = ini_parse_stream(reading_next_line, r, reading_handle_item, r);
	if (r->failed)
		return -1;
	if (bad == 0)
		return 0;
	/* Do not show the line: somebody may have pasted a key there. */
	return reading_fail(r, "lines are: key = value", "neither a section nor key = value");
}

static size_t count_lines(const char *text, size_t n)
{
	const char *end = text + n;
	size_t count = 1;

	while (count < INI_ITEMS_MAX && (text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text++;
		count++;
	}
	return count;
}

int ini_file_parse(const char *path, const char *text, size_t n, struct ini_file **out,
		   struct failure *f)
{
	return ini_file_parse_in(path, NULL, text, n, out, f);
}

int ini_file_parse_in(const char *path, const char *begin, const char *text, size_t n,
		      struct ini_file **out, struct failure *f)
{
	static const char bom[] =
		"\xef\xbb\xbf"; /* of some editors: inih knows it in line 1 alone */
	struct ini_reading r = { .text = text, .next = text, .begin = begin, .f = f };
	int ret = -1;

	*out = NULL;
	r.file = calloc(1, sizeof(*r.file));
	if (r.file) {
		r.file->path = strdup(path);
		/* Every item has a line of its own. */
		r.file->item = calloc(count_lines(text, n), sizeof(*r.file->item));
	}
	if (!r.file || !r.file->path || !r.file->item) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
		goto out;
	}
	if (n > INI_FILE_MAX) {
		fail_set(f, FAIL_TOO_LARGE, NULL, "%s: larger than %d bytes", path, INI_FILE_MAX);
		goto out;
	}
	if (strncmp(text, bom, strlen(bom)) == 0)
		r.next += strlen(bom);
	if (reading_check_bytes(&r, n) != 0 || reading_parse(&r) != 0)
		goto out;
	*out = r.file;
	r.file = NULL;
	ret = 0;
out:
	ini_file_free(r.file);
	return ret;
}

/* Read the whole of an open file.  The checks are on the descriptor that is read. */
static int ini_file_slurp(int fd, const char *path, char **text, size_t *n, struct failure *f)
{
	struct stat st;
	ssize_t got;

	if (path_check_trusted(fd, path, f) != 0)
		return -1;
	if (fstat(fd, &st) != 0)
		return fail_errno(f, NULL, "%s", path);
	if (!S_ISREG(st.st_mode))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: not a regular file", path);
	if (st.st_size > INI_FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s: larger than %d bytes", path,
				INI_FILE_MAX);
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
	got = io_read_all(fd, *text, (size_t)st.st_size, clock_now_ms() + READ_DEADLINE);
	if (got < 0 && errno == EFBIG)
		return fail_set(f, FAIL_TOO_LARGE, "try again", "%s: it grew while it was read",
				path);
	if (got < 0)
		return fail_errno(f, NULL, "%s", path);
	(*text)[got] = '\0';
	*n = (size_t)got;
	return 0;
}

enum ini_read ini_file_read(int dirfd, const char *dir, const char *leaf, struct ini_file **out,
			    struct failure *f)
{
	char path[PATH_SIZE], *text = NULL;
	size_t n = 0;
	enum ini_read ret = INI_FAILED;
	int fd;

	*out = NULL;
	if (snprintf(path, sizeof(path), "%s/%s", dir, leaf) >= (int)sizeof(path))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", dir);
	/* O_NONBLOCK: a FIFO in the file's place must not hang us */
	fd = openat(dirfd, leaf, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? INI_ABSENT : fail_errno(f, NULL, "%s", path);
	if (ini_file_slurp(fd, path, &text, &n, f) != 0)
		goto out;
	ret = ini_file_parse(path, text, n, out, f) == 0 ? INI_READ : INI_FAILED;
out:
	free(text);
	close(fd);
	return ret;
}

const struct ini_item *ini_file_get(const struct ini_file *file, const char *section,
				    const char *key)
{
	unsigned i;

	for (i = 0; i < file->items; i++)
		if (file->item[i].key && strcmp(file->item[i].key, key) == 0 &&
		    strcmp(file->item[i].section, section) == 0)
			return &file->item[i];
	return NULL;
}

void ini_file_free(struct ini_file *file)
{
	unsigned i;

	if (!file)
		return;
	for (i = 0; i < file->items; i++) {
		free(file->item[i].section);
		free(file->item[i].key);
		free(file->item[i].value);
	}
	free(file->item);
	free(file->path);
	free(file);
}
