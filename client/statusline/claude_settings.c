/*
 * client/statusline/claude_settings.c - Claude Code's settings.json.  Claude Code and
 * the user's editor write it too, so it is replaced only if it is unchanged.
 */
#include "client/statusline/claude_settings.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "config/client/client_dir.h"

#define BACKUPS_MAX 1000
static const char bom[] = "\xef\xbb\xbf";

/* ---- where ---- */

/* Set path and real.  1 the file exists, 0 it does not, -1. */
static int claude_settings_resolve(struct claude_settings *s, struct failure *f)
{
	struct stat st;
	char *real;
	size_t n;

	if (client_config_dir(NULL, s->path, f) != 0)
		return -1;
	n = strlen(s->path);
	if (snprintf(s->path + n, PATH_SIZE - n, "/settings.json") >= (int)(PATH_SIZE - n))
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", s->path);
	snprintf(s->real, sizeof(s->real), "%s", s->path);
	if (lstat(s->path, &st) != 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "%s", s->path);
	real = realpath(s->path, NULL);
	if (!real)
		return fail_errno(f,
				  S_ISLNK(st.st_mode)
					  ? "it is a link: make what it points to, or remove it"
					  : NULL,
				  "%s", s->path);
	n = strlen(real);
	if (n < sizeof(s->real))
		memcpy(s->real, real, n + 1);
	free(real);
	return n < sizeof(s->real)
		       ? 1
		       : fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", s->path);
}

/* ---- reading ---- */

/* Not jansson's message: it quotes the file, which may hold a key. */
static int claude_settings_no_json(const struct claude_settings *s, const json_error_t *e,
				   struct failure *f)
{
	switch (json_error_code(e)) {
	case json_error_duplicate_key:
		return fail_set(f, FAIL_CONFIG, "keep one of the two",
				"%s: line %d: a key is there twice", s->path, e->line);
	case json_error_invalid_utf8:
		return fail_set(f, FAIL_CONFIG, NULL, "%s: not UTF-8", s->path);
	case json_error_out_of_memory:
		return fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", s->path);
	default:
		return fail_set(f, FAIL_CONFIG, "comments and trailing commas are not allowed",
				"%s: line %d: not plain JSON", s->path, e->line);
	}
}

static int claude_settings_parse(struct claude_settings *s, struct failure *f)
{
	json_error_t e;

	s->body = s->n >= 3 && memcmp(s->text, bom, 3) == 0 ? 3 : 0;
	if (strspn(s->text + s->body, " \t\r\n") == s->n - s->body) {
		s->root = json_object();
		return s->root ? 0 : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	s->root = json_loadb(s->text + s->body, s->n - s->body,
			     JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);
	if (!s->root)
		return claude_settings_no_json(s, &e, f);
	if (!json_is_object(s->root))
		return fail_set(f, FAIL_CONFIG, NULL, "%s: not a JSON object", s->path);
	return 0;
}

int claude_settings_load(struct claude_settings *s, struct failure *f)
{
	int r;

	memset(s, 0, sizeof(*s));
	r = claude_settings_resolve(s, f);
	if (r < 0)
		return -1;
	if (r == 0) {
		s->root = json_object();
		return s->root ? 0 : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	if (stat(s->real, &s->st) != 0)
		return fail_errno(f, NULL, "%s", s->path);
	if (io_slurp(s->real, CLAUDE_SETTINGS_MAX, &s->text, &s->n, f) != 0)
		return -1;
	s->there = true;
	return claude_settings_parse(s, f);
}

void claude_settings_free(struct claude_settings *s)
{
	if (s->text)
		io_wipe(s->text, s->n);
	free(s->text);
	json_decref(s->root);
	memset(s, 0, sizeof(*s));
}

/* ---- writing ---- */

int claude_settings_may_write(const struct claude_settings *s, struct failure *f)
{
	if (!s->there)
		return 0;
	if (s->st.st_uid != geteuid())
		return fail_set(f, FAIL_UNSAFE_PATH, NULL,
				"%s belongs to another user: left as it is", s->path);
	/* A rename would replace a read-only file, but somebody made it read-only on purpose. */
	if (!(s->st.st_mode & S_IWUSR))
		return fail_set(f, FAIL_UNSAFE_PATH, "chmod u+w it, if you mean it",
				"%s is read-only: left as it is", s->path);
	if (s->st.st_nlink > 1)
		return fail_set(f, FAIL_UNSAFE_PATH,
				"make it a file with one name, or a symbolic link",
				"%s has a second name (a hard link), which would keep the old text",
				s->path);
	return 0;
}

static bool claude_settings_same_bytes(const char *path, const struct claude_settings *s)
{
	char *text;
	size_t n;
	bool same;

	if (io_slurp(path, CLAUDE_SETTINGS_MAX, &text, &n, NULL) != 0)
		return false;
	same = n == s->n && memcmp(text, s->text, n) == 0;
	io_wipe(text, n);
	free(text);
	return same;
}

bool claude_settings_backup_find(const struct claude_settings *s, const char *text, size_t n,
				 char out[CLAUDE_BACKUP_PATH])
{
	bool found = false;
	struct stat st;
	char *copy;
	size_t len;
	int i;

	snprintf(out, CLAUDE_BACKUP_PATH, "%s.ccrun-backup", s->path);
	for (i = 1; !found && lstat(out, &st) == 0 && i < BACKUPS_MAX; i++) {
		if (S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
		    io_slurp(out, CLAUDE_SETTINGS_MAX, &copy, &len, NULL) == 0) {
			found = len == n && memcmp(copy, text, n) == 0;
			io_wipe(copy, len);
			free(copy);
		}
		if (!found)
			snprintf(out, CLAUDE_BACKUP_PATH, "%s.ccrun-backup.%d", s->path, i);
	}
	return found;
}

int claude_settings_backup(const struct claude_settings *s, char out[CLAUDE_BACKUP_PATH],
			   struct failure *f)
{
	struct stat st;
	int i;

	snprintf(out, CLAUDE_BACKUP_PATH, "%s.ccrun-backup", s->path);
	for (i = 1; lstat(out, &st) == 0 && i < BACKUPS_MAX; i++) {
		if (S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
		    (st.st_mode & 07777) == (s->st.st_mode & 07777) &&
		    claude_settings_same_bytes(out, s))
			return 0;
		snprintf(out, CLAUDE_BACKUP_PATH, "%s.ccrun-backup.%d", s->path, i);
	}
	if (io_create_file(out, s->text, s->n, NULL, f) != 0)
		return -1;
	if (chmod(out, s->st.st_mode & 07777) == 0)
		return 0;
	fail_errno(f, NULL, "%s", out);
	unlink(out);
	return -1;
}

static int claude_settings_changed(const struct claude_settings *s, struct failure *f)
{
	return fail_set(f, FAIL_CHANGED, "run the same command again",
			"%s was changed meanwhile: left as it is", s->path);
}

int claude_settings_write(const struct claude_settings *s, const char *text, size_t n,
			  struct failure *f)
{
	struct failure ignored;
	struct claude_settings now;
	struct stat st;
	bool same;

	if (!s->there) {
		/* Claude Code makes the directory only when it first runs. */
		if (path_make_parents(s->path, f) != 0)
			return -1;
		if (lstat(s->path, &st) == 0 || errno != ENOENT)
			return claude_settings_changed(s, f);
		return io_replace_file(s->path, 0600, text, n, f);
	}
	if (claude_settings_load(&now, &ignored) != 0 && !now.there) {
		claude_settings_free(&now);
		return claude_settings_changed(s, f);
	}
	same = now.there && strcmp(now.real, s->real) == 0 && now.st.st_ino == s->st.st_ino &&
	       now.n == s->n && memcmp(now.text, s->text, s->n) == 0;
	claude_settings_free(&now);
	return same ? io_replace_file_like(s->real, &s->st, text, n, f)
		    : claude_settings_changed(s, f);
}
