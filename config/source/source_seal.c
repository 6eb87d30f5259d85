/*
 * config/source/source_seal.c - from a reference to the words of a command, what of it
 * is sealed, and whether a file says the same still.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "config/source/command.h"
#include "config/source/source.h"
#include "config/source/source_expand.h"

/* Text that is growing, for command_split: each piece is quoted as it is put. */
struct build {
	const char *v[COMMAND_WORDS_MAX];
	char *owned[COMMAND_WORDS_MAX];
	unsigned n;
};

static void build_free(struct build *b)
{
	while (b->n > 0)
		free(b->owned[--b->n]);
}

static int build_add(struct build *b, const char *word, size_t n, struct failure *f)
{
	char *copy;

	if (b->n == COMMAND_WORDS_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a command of more than %d words", COMMAND_WORDS_MAX);
	copy = strndup(word, n);
	if (!copy)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a command");
	b->owned[b->n] = copy;
	b->v[b->n++] = copy;
	return 0;
}

/* A part of a reference that is a whole word would be read as an option. */
static int no_option(const char *word, struct failure *f)
{
	if (word[0] != '-')
		return 0;
	return fail_set(f, FAIL_BAD_VALUE, "programs take what begins with - for an option",
			"no part of a reference may begin with '-'");
}

/* attr=value,attr2=value: a word each. */
static int add_attributes(struct build *b, const char *list, struct failure *f)
{
	size_t n, name;

	for (; *list; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		name = strcspn(list, "=,");
		if (name == 0 || list[name] != '=' || n == name + 1)
			return fail_set(f, FAIL_BAD_VALUE, "like service=openrouter,username=me",
					"the reference wants attribute=value, with commas between them");
		if (no_option(list, f) != 0 || no_option(list + name + 1, f) != 0 ||
		    build_add(b, list, name, f) != 0 || build_add(b, list + name + 1, n - name - 1, f) != 0)
			return -1;
	}
	return 0;
}

static int add_words(struct build *b, const char *line, struct failure *f)
{
	struct command_words w;
	unsigned i;
	int r = command_split(line, &w, f);

	if (r == 0)
		r = no_option(w.v[0], f);
	for (i = 0; r == 0 && i < w.n; i++)
		r = build_add(b, w.v[i], strlen(w.v[i]), f);
	command_free(&w);
	return r;
}

/* An absolute path; ~/ is the home directory. */
static int file_of(const char *path, char out[PATH_SIZE], struct failure *f)
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
		return fail_set(f, FAIL_BAD_VALUE, "a launch may come from any directory",
				"the file of a reference begins with / or ~/");
	return 0;
}

/* The value of {name} into out.  1: it is there, 0: no such name, -1. */
static int value_of(const struct source_ref *r, const char *name, size_t n, char out[PATH_SIZE],
		    struct failure *f)
{
	const char *value = NULL;

	if (n == 3 && memcmp(name, "ref", n) == 0)
		value = r->ref;
	else if (n == 4 && memcmp(name, "path", n) == 0)
		value = r->path;
	else if (n == 5 && memcmp(name, "field", n) == 0)
		value = r->field;
	else if (n == 4 && memcmp(name, "file", n) == 0)
		return file_of(r->path, out, f) == 0 ? 1 : -1;
	if (!value)
		return 0;
	snprintf(out, PATH_SIZE, "%s", value);
	return 1;
}

/* One word of the file's command, its placeholders filled in. */
static int add_filled(struct build *b, const struct source_file *s, const struct source_ref *r,
		      const char *word, struct failure *f)
{
	char out[2 * PATH_SIZE], value[PATH_SIZE];
	size_t n = 0, len;
	const char *p = word;
	int known;

	while (*p) {
		len = *p == '{' ? strcspn(p, "}") : 0;
		if (len == 0) {
			if (n + 1 >= sizeof(out))
				goto large;
			out[n++] = *p++;
			continue;
		}
		known = p[len] ? value_of(r, p + 1, len - 1, value, f) : 0;
		if (known < 0)
			return -1;
		if (known == 0)
			return fail_set(f, FAIL_CONFIG, "man ccrun-source has them all",
					"source %s: command has an unknown {placeholder}", s->kind);
		if (n + strlen(value) >= sizeof(out))
			goto large;
		memcpy(out + n, value, strlen(value));
		n += strlen(value);
		p += len + 1;
	}
	if (word[0] == '{' && n > 0 && no_option((out[n] = '\0', out), f) != 0)
		return -1;
	return build_add(b, out, n, f);
large:
	return fail_set(f, FAIL_TOO_LARGE, NULL, "a command of more than %d bytes", SOURCE_COMMAND_MAX);
}

static int fill(struct build *b, const struct source_file *s, const struct source_ref *r,
		struct failure *f)
{
	struct command_words w;
	unsigned i;
	int ret = command_split(s->command, &w, f);

	for (i = 0; ret == 0 && i < w.n; i++) {
		if (strcmp(w.v[i], "{attributes}") == 0)
			ret = add_attributes(b, r->path, f);
		else if (strcmp(w.v[i], "{words}") == 0)
			ret = add_words(b, r->path, f);
		else
			ret = add_filled(b, s, r, w.v[i], f);
	}
	command_free(&w);
	return ret;
}

/* Could another program be handed this: UTF-8 without control characters? */
static bool ref_text_ok(const char *s)
{
	size_t i, n = strlen(s);

	for (i = 0; i < n; i++)
		if (utf8_control(s + i, n - i))
			return false;
	return utf8_valid(s, n);
}

/* Take the reference apart. */
static int take_apart(const struct source_file *s, const char *ref, struct source_ref *r, struct failure *f)
{
	bool in_command = strstr(s->command, "{field}") != NULL;
	char *hash;

	if (!ref_text_ok(ref))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a reference is UTF-8 without control characters");
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
		return fail_set(f, FAIL_BAD_VALUE, NULL, "a reference of %s is %sPLACE#FIELD", s->title, s->scheme);
	return 0;
}

/*
 * The words of the file's command for a reference; the program as the file
 * names it.  *pick has SOURCE_PICK_MAX + 1 bytes.  0 or -1.  command_free is due.
 */
static int source_expand(const struct source_file *s, const char *ref, struct command_words *out, char *pick,
			 struct failure *f)
{
	char line[2 * SOURCE_COMMAND_MAX + 1];
	struct build b = { .n = 0 };
	struct source_ref r;
	int n, ret;

	memset(out, 0, sizeof(*out));
	if (take_apart(s, ref, &r, f) != 0)
		return -1;
	/* Without a field the whole of it is the token, JSON or not. */
	if (s->output == OUTPUT_JSON && r.field[0])
		n = snprintf(pick, SOURCE_PICK_MAX + 1, "json:%s", r.field);
	else
		n = snprintf(pick, SOURCE_PICK_MAX + 1, "%s", s->output == OUTPUT_FIRST_LINE ? "first-line" : "line");
	if (n > SOURCE_PICK_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "a field of more than %d bytes", SOURCE_PICK_MAX - 5);
	ret = fill(&b, s, &r, f);
	if (ret == 0)
		ret = command_format(b.v, b.n, line, sizeof(line), f);
	build_free(&b);
	return ret == 0 ? command_split(line, out, f) : -1;
}

static bool runs(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int source_not_installed(const struct source_file *s, const char *program, struct failure *f)
{
	fail_set(f, FAIL_SOURCE, NULL, "%s is not installed: there is no program %.160s", s->title, program);
	if (s->package[0])
		fail_hint(f, "install %s", s->package);
	return -1;
}

/* Where the program is: PATH, as a shell looks for it, but for places that
 * depend on where one stands. */
static int find_program(const struct source_file *s, const char *word, char out[PATH_SIZE], struct failure *f)
{
	const char *path = getenv("PATH");
	size_t n;
	int len;

	if (strchr(word, '/')) {
		if (file_of(word, out, f) != 0)
			return -1;
		return runs(out) ? 0 : source_not_installed(s, word, f);
	}
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path; path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		len = snprintf(out, PATH_SIZE, "%.*s/%s", (int)n, path, word);
		if (path[0] == '/' && len < PATH_SIZE && runs(out))
			return 0;
	}
	return source_not_installed(s, word, f);
}

int source_seal(const struct source_file *s, const char *ref, struct entry_source *out, struct failure *f)
{
	char program[PATH_SIZE];
	struct command_words w;
	int r;

	memset(out, 0, sizeof(*out));
	snprintf(out->ref, sizeof(out->ref), "%s", ref);
	r = source_expand(s, ref, &w, out->pick, f);
	if (r == 0)
		r = find_program(s, w.v[0], program, f);
	if (r == 0) {
		w.v[0] = program;
		r = command_format((const char *const *)w.v, w.n, out->command, sizeof(out->command), f);
	}
	command_free(&w);
	return r;
}

/* The program that is sealed, under whatever directory, or that very path. */
static bool same_program(const char *sealed, const char *word)
{
	const char *slash = strrchr(sealed, '/');
	char path[PATH_SIZE];

	if (strchr(word, '/'))
		return file_of(word, path, NULL) == 0 && strcmp(sealed, path) == 0;
	return sealed[0] == '/' && slash && strcmp(slash + 1, word) == 0;
}

static bool same(const struct command_words *sealed, const struct command_words *now)
{
	unsigned i;

	if (sealed->n != now->n || !same_program(sealed->v[0], now->v[0]))
		return false;
	for (i = 1; i < now->n; i++)
		if (strcmp(sealed->v[i], now->v[i]) != 0)
			return false;
	return true;
}

int source_check(const struct source_file *s, const struct entry_source *sealed, struct failure *f)
{
	struct command_words then = { .n = 0 }, now = { .n = 0 };
	char pick[SOURCE_PICK_MAX + 1];
	int r = -1;

	if (command_split(sealed->command, &then, f) != 0 || source_expand(s, sealed->ref, &now, pick, f) != 0)
		goto out;
	r = 0;
	if (!same(&then, &now) || strcmp(pick, sealed->pick) != 0)
		r = fail_set(f, FAIL_ORIGIN, NULL, "what source '%s' runs is not what was sealed", s->kind);
out:
	command_free(&then);
	command_free(&now);
	return r;
}
