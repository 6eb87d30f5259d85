/*
 * client/doctor/keys.c - checks: keys that are not only in the vault.  ccrun-import finds them, as
 * for ccctl import, and changes nothing.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/common/program.h"
#include "client/doctor/checks.h"
#include "config/provider/auth.h"
#include "config/provider/variables.h"
#include "git/git_file.h"
#include "git/git_tracked.h"
#include "wire/limits.h"

#define IMPORT_MAX (4 * 1024 * 1024)
#define IMPORT_MS 20000
#define FILES_MAX 64
#define TEXT_MAX 300
#define TRACKED_MS 1000 /* a file; the index of a large repository has tens of MB */

/* A file with keys in it. */
struct key_file {
	const char *path; /* lives as long as the answer */
	unsigned line;	  /* of the first */
	unsigned keys;
	char of[64];	/* providers */
	bool vault_has; /* all of them */
	int tracked;	/* by git: 1, 0, -1 not known */
	char top[GIT_PATH];
};

static struct {
	bool asked;
	struct failure why;
	json_t *answer;
	struct key_file file[FILES_MAX];
	unsigned files;
} look;

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static struct key_file *key_file_of(const char *path)
{
	struct key_file *file;
	unsigned i;

	for (i = 0; i < look.files; i++)
		if (strcmp(look.file[i].path, path) == 0)
			return &look.file[i];
	if (look.files == FILES_MAX)
		return NULL;
	file = &look.file[look.files++];
	file->path = path;
	file->vault_has = true;
	file->tracked = git_tracked(path, TRACKED_MS, file->top);
	return file;
}

static void look_add(const json_t *key)
{
	const char *provider = text_of(key, "provider"), *state = text_of(key, "state");
	struct key_file *file;
	size_t n;

	/* What a command fetches from another manager is in no file. */
	if (strcmp(text_of(key, "kind"), "token") != 0)
		return;
	file = key_file_of(text_of(key, "written_in"));
	if (!file)
		return;
	if (file->keys++ == 0)
		file->line = (unsigned)json_integer_value(json_object_get(key, "written_line"));
	file->vault_has = file->vault_has && strcmp(state, "same") == 0;
	n = strlen(file->of);
	if (provider[0] && !strstr(file->of, provider))
		snprintf(file->of + n, sizeof(file->of) - n, "%s%s", n ? ", " : "", provider);
}

static void look_parse(const struct program_said *said)
{
	json_error_t e;
	json_t *key;
	size_t i;

	/* Not jansson's message: it quotes the text. */
	look.answer = json_loadb(said->out, said->n, 0, &e);
	if (!look.answer) {
		fail_set(&look.why, FAIL_PROGRAM, NULL, "ccrun-import's answer cannot be read");
		return;
	}
	json_array_foreach(json_object_get(look.answer, "keys"), i, key) look_add(key);
}

/* Once; the answer is kept.  False: inside a session nobody looks. */
static bool look_ask(const struct checkup *d)
{
	const char *const argv[] = { "ccrun-import", "--json", NULL };
	struct program p = { .argv = argv, .most = IMPORT_MAX, .patience_ms = IMPORT_MS };
	struct program_said said = { 0 };
	char path[PATH_SIZE];

	if (look.asked || d->marked)
		return !d->marked;
	look.asked = true;
	if (path_installed("libexec/ccrun/ccrun-import", path, &look.why) != 0)
		return true;
	p.path = path;
	if (program_run(&p, &said, &look.why) == 0) {
		if (program_ended(&said, 0))
			look_parse(&said);
		else
			program_failure(&said, &look.why);
	}
	program_said_free(&said);
	return true;
}

/* "PATH:LINE has the key of NAME" in out. */
static void key_file_text(const struct key_file *file, char *out, size_t size)
{
	char line[16] = "";

	if (file->line)
		snprintf(line, sizeof(line), ":%u", file->line);
	snprintf(out, size, "%.180s%s has %s%s%.60s%s", file->path, line,
		 file->keys == 1 ? "a key" : "keys", file->of[0] ? " (" : "", file->of,
		 file->of[0] ? ")" : "");
}

void check_keys_git(struct checkup *d)
{
	char text[TEXT_MAX];
	unsigned i;

	if (!look_ask(d) || look.why.code)
		return;
	for (i = 0; i < look.files; i++) {
		if (look.file[i].tracked != 1)
			continue;
		key_file_text(&look.file[i], text, sizeof(text));
		found_broken(d,
			     "ccctl import --scrub; then have a new key made: what was committed "
			     "stays in the history",
			     "%s, and git tracks it in %.60s", text, look.file[i].top);
	}
	if (!found_any(d))
		found_ok(d, "none of the files that were looked at");
}

void check_keys_files(struct checkup *d)
{
	char text[TEXT_MAX];
	unsigned i;

	if (!look_ask(d))
		return;
	if (look.why.code) {
		found_failure(d, CHECK_ADVICE, &look.why,
			      "ccctl import looks without a limit, and changes nothing by itself");
		return;
	}
	for (i = 0; i < look.files; i++) {
		if (look.file[i].tracked == 1)
			continue;
		key_file_text(&look.file[i], text, sizeof(text));
		found_broken(d,
			     look.file[i].vault_has
				     ? "the vault has it: ccctl import --scrub takes it out"
				     : "ccctl import --scrub moves it into the vault",
			     "%s, which every program of yours can read", text);
	}
	if (!found_any(d) && look.files == 0)
		found_ok(d, "none in shell files, settings and scripts");
}

void check_keys_history(struct checkup *d)
{
	json_t *left;
	size_t i;

	if (!look_ask(d) || !look.answer)
		return;
	json_array_foreach(json_object_get(look.answer, "leftovers"), i, left)
		found_advice(d, "ccctl import --scrub --history, when the vault has the key",
			     "%s has pieces of a key (%s)", text_of(left, "file"),
			     text_of(left, "what"));
	if (!found_any(d))
		found_ok(d, "no piece of a key that was found is in a history or a copy");
}

void check_keys_environment(struct checkup *d)
{
	char name[VARIABLE_MAX_LEN + 1];
	const char *value;
	char **e;

	if (d->marked)
		return;
	for (e = environ; *e; e++) {
		value = strchr(*e, '=');
		if (!value || !value[1] || value - *e > VARIABLE_MAX_LEN)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(value - *e), *e);
		if (variable_is_secret(name) &&
		    (variable_routes_client(name) || auth_looks_like_key(value + 1)))
			found_advice(
				d, "ccctl import finds the file that sets it; unset it until then",
				"%s is in your environment, where every program that you start "
				"has it",
				name);
	}
	if (!found_any(d))
		found_ok(d, "no key is in it");
}
