/*
 * config/source/source_seal.c - what of a source is sealed with an entry, and whether the
 * file still says the same.
 */
#include "config/source/source_seal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/paths.h"
#include "config/source/source_expand.h"

static bool program_is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int source_not_installed(const struct source_file *s, const char *program, struct failure *f)
{
	char text[sizeof(s->package) + 16];

	fail_set(f, FAIL_SOURCE, NULL, "%s is not installed: there is no program %.160s", s->title,
		 program);
	if (!s->package[0])
		return -1;
	snprintf(text, sizeof(text), "install %s", s->package);
	/* The shipped file's words, or quoted ones (source_set_words). */
	fail_hint_text(f, text);
	return -1;
}

/* Find the program as a shell would, but without directories of PATH that are relative to the
 * working directory. */
static int program_find(const struct source_file *s, const char *word, char out[PATH_SIZE],
			struct failure *f)
{
	const char *path = getenv("PATH");
	size_t n;
	int len;

	if (strchr(word, '/')) {
		if (source_file_path(word, out, f) != 0)
			return -1;
		return program_is_executable(out) ? 0 : source_not_installed(s, word, f);
	}
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path;
	     path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		len = snprintf(out, PATH_SIZE, "%.*s/%s", (int)n, path, word);
		if (path[0] == '/' && len < PATH_SIZE && program_is_executable(out))
			return 0;
	}
	return source_not_installed(s, word, f);
}

int source_seal(const struct source_file *s, const char *ref, struct entry_source *out,
		struct failure *f)
{
	char program[PATH_SIZE];
	struct command_words w;
	int r;

	memset(out, 0, sizeof(*out));
	snprintf(out->ref, sizeof(out->ref), "%s", ref);
	r = source_expand(s, ref, &w, out->pick, f);
	if (r == 0)
		r = program_find(s, w.v[0], program, f);
	if (r == 0) {
		w.v[0] = program;
		r = command_format((const char *const *)w.v, w.n, out->command,
				   sizeof(out->command), f);
	}
	command_free(&w);
	return r;
}

/* Is the sealed path the program that the file names: that path, or a name in any
 * directory? */
static bool program_is_same(const char *sealed, const char *word)
{
	const char *slash = strrchr(sealed, '/');
	char path[PATH_SIZE];

	if (strchr(word, '/'))
		return source_file_path(word, path, NULL) == 0 && strcmp(sealed, path) == 0;
	return sealed[0] == '/' && slash && strcmp(slash + 1, word) == 0;
}

static bool command_is_same(const struct command_words *sealed, const struct command_words *now)
{
	unsigned i;

	if (sealed->n != now->n || !program_is_same(sealed->v[0], now->v[0]))
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

	if (command_split(sealed->command, &then, f) != 0 ||
	    source_expand(s, sealed->ref, &now, pick, f) != 0)
		goto out;
	r = 0;
	if ((!command_is_same(&then, &now) || strcmp(pick, sealed->pick) != 0) &&
	    control_active(CONTROL_SEALED_SOURCE))
		r = fail_set(f, FAIL_ORIGIN, NULL, "what source '%s' runs is not what was sealed",
			     s->kind);
out:
	command_free(&then);
	command_free(&now);
	return r;
}
