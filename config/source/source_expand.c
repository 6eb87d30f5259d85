/*
 * config/source/source_expand.c - from a reference to the words of a command.
 */
#include "config/source/source_expand.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/utf8.h"

/* A reference, split as the file's command needs it. */
struct reference {
	const char *ref;
	char path[SOURCE_REF_MAX + 1];	/* behind the scheme, up to the # where there is a field */
	char field[SOURCE_REF_MAX + 1]; /* behind the last #; "" for none */
};

/* The words of a command while they are put together. */
struct word_list {
	const char *v[COMMAND_WORDS_MAX];
	char *owned[COMMAND_WORDS_MAX];
	unsigned n;
};

static void word_list_free(struct word_list *b)
{
	while (b->n > 0)
		free(b->owned[--b->n]);
}

static int word_list_add(struct word_list *b, const char *word, size_t n, struct failure *f)
{
	char *copy;

	if (b->n == COMMAND_WORDS_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a command of more than %d words",
				COMMAND_WORDS_MAX);
	copy = strndup(word, n);
	if (!copy)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a command");
	b->owned[b->n] = copy;
	b->v[b->n++] = copy;
	return 0;
}

/* A part of a reference that becomes a whole word could be read as an option. */
static int reference_refuse_option(const char *word, struct failure *f)
{
	if (word[0] != '-')
		return 0;
	return fail_set(f, FAIL_BAD_VALUE, "programs take what begins with - for an option",
			"no part of a reference may begin with '-'");
}

/* For {attributes}: of "attr=value,attr2=value" each name and each value is a word. */
static int word_list_add_attributes(struct word_list *b, const char *list, struct failure *f)
{
	size_t n, name;

	for (; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		name = strcspn(list, "=,");
		if (name == 0 || list[name] != '=' || n == name + 1)
			return fail_set(
				f, FAIL_BAD_VALUE, "like service=openrouter,username=me",
				"the reference wants attribute=value, with commas between them");
		if (reference_refuse_option(list, f) != 0 ||
		    reference_refuse_option(list + name + 1, f) != 0 ||
		    word_list_add(b, list, name, f) != 0 ||
		    word_list_add(b, list + name + 1, n - name - 1, f) != 0)
			return -1;
	}
	return 0;
}

static int word_list_add_split(struct word_list *b, const char *line, struct failure *f)
{
	struct command_words w;
	unsigned i;
	int r = command_split(line, &w, f);

	if (r == 0)
		r = reference_refuse_option(w.v[0], f);
	for (i = 0; r == 0 && i < w.n; i++)
		r = word_list_add(b, w.v[i], strlen(w.v[i]), f);
	command_free(&w);
	return r;
}

int source_file_path(const char *path, char out[PATH_SIZE], struct failure *f)
{
	char home[PATH_SIZE];
	int n;

	if (strncmp(path, "~/", 2) == 0) {
		if (path_home(home, f) != 0)
			return -1;
		n = snprintf(out, PATH_SIZE, "%s/%s", home, path + 2);
	} else {
		n = snprintf(out, PATH_SIZE, "%s", path);
	}
	if (n >= PATH_SIZE || out[0] != '/')
		return fail_set(f, FAIL_BAD_VALUE, "ccrun may be started in any directory",
				"the file of a reference begins with / or ~/");
	return 0;
}

enum placeholder { PLACEHOLDER_FAILED = -1, PLACEHOLDER_UNKNOWN, PLACEHOLDER_KNOWN };

/* Write the value of the placeholder whose name is the n bytes at name. */
static enum placeholder placeholder_value(const struct reference *r, const char *name, size_t n,
					  char out[PATH_SIZE], struct failure *f)
{
	const char *value = NULL;

	if (n == 3 && memcmp(name, "ref", n) == 0)
		value = r->ref;
	else if (n == 4 && memcmp(name, "path", n) == 0)
		value = r->path;
	else if (n == 5 && memcmp(name, "field", n) == 0)
		value = r->field;
	else if (n == 4 && memcmp(name, "file", n) == 0)
		return source_file_path(r->path, out, f) == 0 ? PLACEHOLDER_KNOWN
							      : PLACEHOLDER_FAILED;
	if (!value)
		return PLACEHOLDER_UNKNOWN;
	snprintf(out, PATH_SIZE, "%s", value);
	return PLACEHOLDER_KNOWN;
}

/* Add one word of the file's command, its placeholders replaced. */
static int word_list_add_filled(struct word_list *b, const struct source_file *s,
				const struct reference *r, const char *word, struct failure *f)
{
	char out[2 * PATH_SIZE], value[PATH_SIZE];
	size_t n = 0, len;
	const char *p = word;
	enum placeholder known;

	while (*p) {
		len = *p == '{' ? strcspn(p, "}") : 0;
		if (len == 0) {
			if (n + 1 >= sizeof(out))
				goto large;
			out[n++] = *p++;
			continue;
		}
		known = p[len] ? placeholder_value(r, p + 1, len - 1, value, f)
			       : PLACEHOLDER_UNKNOWN;
		if (known == PLACEHOLDER_FAILED)
			return -1;
		if (known == PLACEHOLDER_UNKNOWN)
			return fail_set(f, FAIL_CONFIG, "man ccrun-source has them all",
					"source %s: command has an unknown {placeholder}", s->kind);
		if (n + strlen(value) >= sizeof(out))
			goto large;
		memcpy(out + n, value, strlen(value));
		n += strlen(value);
		p += len + 1;
	}
	if (word[0] == '{' && n > 0 && reference_refuse_option((out[n] = '\0', out), f) != 0)
		return -1;
	return word_list_add(b, out, n, f);
large:
	return fail_set(f, FAIL_TOO_LARGE, NULL, "a command of more than %d bytes",
			SOURCE_COMMAND_MAX);
}

static int word_list_fill(struct word_list *b, const struct source_file *s,
			  const struct reference *r, struct failure *f)
{
	struct command_words w;
	unsigned i;
	int ret = command_split(s->command, &w, f);

	for (i = 0; ret == 0 && i < w.n; i++) {
		if (strcmp(w.v[i], "{attributes}") == 0)
			ret = word_list_add_attributes(b, r->path, f);
		else if (strcmp(w.v[i], "{words}") == 0)
			ret = word_list_add_split(b, r->path, f);
		else
			ret = word_list_add_filled(b, s, r, w.v[i], f);
	}
	command_free(&w);
	return ret;
}

/* Is it UTF-8 without control characters?  Other bytes do not survive every manager. */
static bool reference_text_ok(const char *s)
{
	size_t i, n = strlen(s);

	for (i = 0; i < n; i++)
		if (utf8_control(s + i, n - i))
			return false;
	return utf8_valid(s, n);
}

/* Split the reference at its scheme, and at the # where there is a field. */
static int reference_parse(const struct source_file *s, const char *ref, struct reference *r,
			   struct failure *f)
{
	bool in_command = strstr(s->command, "{field}") != NULL;
	char *hash;

	if (!reference_text_ok(ref))
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"a reference is UTF-8 without control characters");
	r->ref = ref;
	r->field[0] = '\0';
	snprintf(r->path, sizeof(r->path), "%s", ref + strlen(s->scheme));
	hash = in_command || s->output == OUTPUT_JSON ? strrchr(r->path, '#') : NULL;
	if (hash) {
		*hash = '\0';
		snprintf(r->field, sizeof(r->field), "%s", hash + 1);
	}
	if (!r->path[0])
		return fail_set(f, FAIL_BAD_VALUE, NULL, "nothing stands behind %s", s->scheme);
	if (hash ? !r->field[0] : in_command)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a reference of %s is %sPLACE#FIELD",
				s->title, s->scheme);
	return 0;
}

int source_expand(const struct source_file *s, const char *ref, struct command_words *out,
		  char *pick, struct failure *f)
{
	char line[2 * SOURCE_COMMAND_MAX + 1];
	struct word_list b = { .n = 0 };
	struct reference r;
	int n, ret;

	memset(out, 0, sizeof(*out));
	if (reference_parse(s, ref, &r, f) != 0)
		return -1;
	/* Without a field the whole output is the token, JSON or not. */
	if (s->output == OUTPUT_JSON && r.field[0])
		n = snprintf(pick, SOURCE_PICK_MAX + 1, "json:%s", r.field);
	else
		n = snprintf(pick, SOURCE_PICK_MAX + 1, "%s",
			     s->output == OUTPUT_FIRST_LINE ? "first-line" : "line");
	if (n > SOURCE_PICK_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "a field of more than %d bytes",
				SOURCE_PICK_MAX - 5);
	ret = word_list_fill(&b, s, &r, f);
	if (ret == 0)
		ret = command_format(b.v, b.n, line, sizeof(line), f);
	word_list_free(&b);
	return ret == 0 ? command_split(line, out, f) : -1;
}
