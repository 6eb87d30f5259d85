/*
 * config/source/source.c - reading the file of a password manager: the shipped one,
 * overridden by the user's.
 */
#include "config/source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/fail.h"
#include "base/paths.h"
#include "base/text_quote.h"
#include "config/ini/ini_file.h"
#include "config/provider/variables.h"
#include "wire/limits.h"
#include "wire/names.h"

#define TIMEOUT_USUAL 120 /* seconds: a person at a prompt may look for a token first */
#define FILES 2		  /* the shipped one, the user's */

static const char *const sign_sections[SIGNS] = {
	[SIGN_CANCELLED] = "cancelled",
	[SIGN_SIGNED_OUT] = "signed-out",
	[SIGN_MISSING] = "missing",
};
static const char *const source_keys[] = { "title", "scheme",  "command", "output", "expires",
					   "waits", "package", "timeout", "docs",   "verified",
					   "opens", "shares",  NULL };
static const char *const sign_keys[] = { "text", "exit", "hint", NULL };

/* Read one of the two files of a kind. */
static enum ini_read source_read_file(const char *kind, bool shipped, struct ini_file **out,
				      struct failure *f)
{
	char dir[PATH_SIZE], leaf[NAME_MAX_LEN + 8];
	enum ini_read r = INI_FAILED;
	int fd;

	if ((shipped ? path_installed("share/ccrun/sources", dir, f)
		     : path_of(PATH_CONFIG, "sources", dir, f)) != 0)
		return INI_FAILED;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? INI_ABSENT : fail_errno(f, NULL, "%s", dir);
	snprintf(leaf, sizeof(leaf), "%s.conf", kind);
	if (path_check_trusted(fd, dir, f) == 0)
		r = ini_file_read(fd, dir, leaf, out, f);
	close(fd);
	return r;
}

static bool source_word_known(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

/*
 * Names of environment variables, separated by blanks, each with at most one *.  Not those that
 * decide how programs run: without PATH or HOME there is no session.
 */
static int source_check_variables(const struct ini_item *it, struct failure *f)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	const char *p = it->value, *star;
	char name[VARIABLE_MAX_LEN + 1];
	size_t n;

	for (p += strspn(p, " \t"); *p; p += n + strspn(p + n, " \t")) {
		n = strcspn(p, " \t");
		if (n > VARIABLE_MAX_LEN)
			return ini_fail(f, it, NULL, "a variable's name has at most %d bytes",
					VARIABLE_MAX_LEN);
		memcpy(name, p, n);
		name[n] = '\0';
		star = strchr(name, '*');
		if (strspn(name, letters) != (star ? (size_t)(star - name) : n) ||
		    (star && strspn(star + 1, letters) != strlen(star + 1)) ||
		    n < 3 + (star != NULL) || (name[0] >= '0' && name[0] <= '9'))
			return ini_fail(f, it, "as in BW_SESSION OP_SESSION_*",
					"%s has names of variables, of three letters or more",
					it->key);
		if (variable_steers_programs(name))
			return ini_fail(f, it, NULL,
					"%s decides how programs run: it is never dropped", name);
	}
	return 0;
}

int source_check_keys(const struct ini_file *file, struct failure *f)
{
	const struct ini_item *it;
	const char *const *keys;
	unsigned i, k;

	for (i = 0; i < file->items; i++) {
		it = &file->item[i];
		keys = strcmp(it->section, "source") == 0 ? source_keys : NULL;
		for (k = 0; k < SIGNS; k++)
			if (strcmp(it->section, sign_sections[k]) == 0)
				keys = sign_keys;
		if (!keys)
			return ini_fail(f, it, "man ccrun-source has them all",
					"unknown section [%s]", it->section);
		if (it->key && !source_word_known(it->key, keys))
			return ini_fail(f, it, "man ccrun-source has them all",
					"unknown key '%s' in [%s]", it->key, it->section);
		if (it->key && keys == source_keys &&
		    (strcmp(it->key, "opens") == 0 || strcmp(it->key, "shares") == 0) &&
		    source_check_variables(it, f) != 0)
			return -1;
	}
	return 0;
}

struct source_layers {
	struct ini_file *file[FILES]; /* the user's last */
};

/* The item of the user's file, or of the shipped one; NULL when it is empty in both. */
static const struct ini_item *source_get(const struct source_layers *l, const char *section,
					 const char *key)
{
	const struct ini_item *it;
	int i;

	for (i = FILES - 1; i >= 0; i--) {
		it = l->file[i] ? ini_file_get(l->file[i], section, key) : NULL;
		if (it && it->value[0])
			return it;
	}
	return NULL;
}

static int source_set_text(const struct source_layers *l, const char *section, const char *key,
			   char *out, size_t size, struct failure *f)
{
	const struct ini_item *it = source_get(l, section, key);

	out[0] = '\0';
	if (it && (size_t)snprintf(out, size, "%s", it->value) >= size)
		return ini_fail(f, it, NULL, "%s has more than %zu bytes", key, size - 1);
	return 0;
}

/* What both files name: the user's can add, and hide nothing. */
static int source_set_shares(const struct source_layers *l, struct source_file *s,
			     struct failure *f)
{
	const struct ini_item *it;
	size_t at = 0;
	int i;

	for (i = 0; i < FILES; i++) {
		it = l->file[i] ? ini_file_get(l->file[i], "source", "shares") : NULL;
		if (!it || !it->value[0])
			continue;
		at += (size_t)snprintf(s->shares + at, sizeof(s->shares) - at, "%s%s",
				       at ? " " : "", it->value);
		if (at >= sizeof(s->shares))
			return ini_fail(f, it, NULL, "shares has more than %zu bytes",
					sizeof(s->shares) - 1);
	}
	return 0;
}

/* Exit codes, separated by blanks. */
static int source_set_exits(const struct source_layers *l, enum source_sign sign,
			    struct source_file *s, struct failure *f)
{
	const struct ini_item *it = source_get(l, sign_sections[sign], "exit");
	const char *p = it ? it->value : "";
	char *end;
	long n;

	for (p += strspn(p, " \t"); *p; p = end + strspn(end, " \t")) {
		n = strtol(p, &end, 10);
		if (end == p || n < 1 || n > 255 || s->sign[sign].exits == SOURCE_EXITS)
			return ini_fail(f, it, NULL, "exit is 1 to %d exit codes", SOURCE_EXITS);
		s->sign[sign].exit[s->sign[sign].exits++] = (int)n;
	}
	return 0;
}

/* Is it the user's own, and not the shipped file's word? */
static bool source_said_by_user(const struct source_layers *l, const char *section, const char *key)
{
	const struct ini_item *it = source_get(l, section, key);
	const struct ini_item *shipped = l->file[0] ? ini_file_get(l->file[0], section, key) : NULL;

	return it && it != shipped && (!shipped || strcmp(it->value, shipped->value) != 0);
}

/*
 * A text that people are shown.  Any program of the user's can write that file, and would speak to the
 * person in our programs' name: so it is quoted, and the file named.
 */
static int source_set_words(const struct source_layers *l, const struct source_file *s,
			    const char *section, const char *key, char *out, size_t size,
			    struct failure *f)
{
	const struct ini_item *it = source_get(l, section, key);
	char quoted[SOURCE_TEXT_MAX];

	if (!source_said_by_user(l, section, key))
		return source_set_text(l, section, key, out, size, f);
	/* MUST: no command begins a hint, and no shell has a meaning for what is behind the quotes. */
	if (!text_quote(it->value, quoted, sizeof(quoted)) ||
	    (size_t)snprintf(out, size, "%s%s [sources/%s.conf]",
			     strcmp(key, "hint") == 0 ? "it says: " : "", quoted, s->kind) >= size)
		return ini_fail(f, it, NULL, "%s is too long", key);
	return 0;
}

static int source_set_signs(const struct source_layers *l, struct source_file *s, struct failure *f)
{
	unsigned i;

	for (i = 0; i < SIGNS; i++)
		if (source_set_text(l, sign_sections[i], "text", s->sign[i].text,
				    sizeof(s->sign[i].text), f) != 0 ||
		    source_set_words(l, s, sign_sections[i], "hint", s->sign[i].hint,
				     sizeof(s->sign[i].hint), f) != 0 ||
		    source_set_exits(l, (enum source_sign)i, s, f) != 0)
			return -1;
	return 0;
}

static int source_set_output(const struct source_layers *l, struct source_file *s,
			     struct failure *f)
{
	const struct ini_item *it = source_get(l, "source", "output");
	const char *field;

	if (!it)
		s->output = OUTPUT_LINE;
	else if (source_pick(it->value, &s->output, &field, NULL) != 0 || field[0])
		return ini_fail(f, it, NULL, "output is line, first-line or json");
	return 0;
}

static int source_set_timeout(const struct source_layers *l, struct source_file *s,
			      struct failure *f)
{
	const struct ini_item *it = source_get(l, "source", "timeout");
	uint64_t n = TIMEOUT_USUAL;

	if (it && (duration_parse(it->value, &n) != 0 || n == 0 || n > SOURCE_TIMEOUT_MAX))
		return ini_fail(f, it, NULL, "timeout is 1s to %ds", SOURCE_TIMEOUT_MAX);
	s->timeout = (unsigned)n;
	return 0;
}

static int source_resolve(const struct source_layers *l, struct source_file *s, struct failure *f)
{
	if (source_set_words(l, s, "source", "title", s->title, sizeof(s->title), f) != 0 ||
	    source_set_text(l, "source", "scheme", s->scheme, sizeof(s->scheme), f) != 0 ||
	    source_set_text(l, "source", "command", s->command, sizeof(s->command), f) != 0 ||
	    source_set_words(l, s, "source", "package", s->package, sizeof(s->package), f) != 0 ||
	    source_set_text(l, "source", "docs", s->docs, sizeof(s->docs), f) != 0 ||
	    source_set_text(l, "source", "verified", s->verified, sizeof(s->verified), f) != 0 ||
	    source_set_words(l, s, "source", "waits", s->waits, sizeof(s->waits), f) != 0 ||
	    source_set_text(l, "source", "expires", s->expires, sizeof(s->expires), f) != 0 ||
	    source_set_output(l, s, f) != 0 || source_set_timeout(l, s, f) != 0 ||
	    source_set_shares(l, s, f) != 0 || source_set_signs(l, s, f) != 0)
		return -1;
	if (s->expires[0] && s->output != OUTPUT_JSON)
		return ini_fail(f, source_get(l, "source", "expires"), "output = json",
				"expires names a field of JSON");
	if (source_said_by_user(l, "source", "command"))
		snprintf(s->users_file, sizeof(s->users_file), "%s", l->file[FILES - 1]->path);
	if (!s->title[0])
		snprintf(s->title, sizeof(s->title), "%s", s->kind);
	if (!s->scheme[0])
		snprintf(s->scheme, sizeof(s->scheme), "%s:", s->kind);
	if (!s->waits[0])
		snprintf(s->waits, sizeof(s->waits), "%s",
			 "does it ask somebody, in a window or on another terminal?");
	if (!s->command[0])
		return fail_set(f, FAIL_CONFIG, "man ccrun-source", "source %s has no command",
				s->kind);
	return 0;
}

/* The kind is the part of the reference before the colon. */
static int source_parse_kind(const char *ref, char kind[NAME_MAX_LEN + 1], struct failure *f)
{
	size_t n = strcspn(ref, ":");

	if (strlen(ref) > SOURCE_REF_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "a reference has at most %d bytes",
				SOURCE_REF_MAX);
	if (ref[n] == ':' && n > 0 && n <= NAME_MAX_LEN) {
		memcpy(kind, ref, n);
		kind[n] = '\0';
		if (wire_name_ok(kind))
			return 0;
	}
	/* Do not show the text: it may be the key itself. */
	return fail_set(f, FAIL_USAGE,
			"a reference is like pass:ai/openrouter or op://Vault/Item/field",
			"this is not a reference into a password manager");
}

int source_load(const char *ref, struct source_file *out, struct failure *f)
{
	struct source_layers l = { { NULL, NULL } };
	int i, found = 0, ret = -1;
	enum ini_read r;

	memset(out, 0, sizeof(*out));
	if (source_parse_kind(ref, out->kind, f) != 0)
		return -1;
	for (i = 0; i < FILES; i++) {
		r = source_read_file(out->kind, i == 0, &l.file[i], f);
		if (r == INI_FAILED || (r == INI_READ && source_check_keys(l.file[i], f) != 0))
			goto out;
		found += r == INI_READ;
	}
	if (found == 0)
		fail_set(f, FAIL_NO_ENTRY,
			 "man ccrun-source lists those that come with ccrun, and how to add one",
			 "there is no source '%s'", out->kind);
	else
		ret = source_resolve(&l, out, f);
	if (ret == 0 && strncmp(ref, out->scheme, strlen(out->scheme)) != 0)
		ret = fail_set(f, FAIL_BAD_VALUE, NULL, "a reference of %s begins with %s",
			       out->kind, out->scheme);
out:
	for (i = 0; i < FILES; i++)
		ini_file_free(l.file[i]);
	return ret;
}

int source_pick(const char *pick, enum source_output *out, const char **field, struct failure *f)
{
	*field = "";
	if (strcmp(pick, "line") == 0)
		*out = OUTPUT_LINE;
	else if (strcmp(pick, "first-line") == 0)
		*out = OUTPUT_FIRST_LINE;
	else if (strcmp(pick, "json") == 0 || strncmp(pick, "json:", 5) == 0)
		*out = OUTPUT_JSON;
	else
		return fail_set(f, FAIL_BAD_VALUE, NULL,
				"an output can be read as line, first-line or json");
	if (*out == OUTPUT_JSON && pick[4])
		*field = pick + 5;
	return 0;
}

/* Is one of the alternatives, separated by |, in the text?  Case does not matter. */
static bool text_has_alternative(const char *alternatives, const char *said)
{
	char one[SOURCE_TEXT_MAX];
	size_t n;

	for (; *alternatives; alternatives += n + (alternatives[n] == '|')) {
		n = strcspn(alternatives, "|");
		alternatives += strspn(alternatives, " ");
		n = strcspn(alternatives, "|");
		snprintf(one, sizeof(one), "%.*s", (int)n, alternatives);
		while (one[0] && one[strlen(one) - 1] == ' ')
			one[strlen(one) - 1] = '\0';
		if (one[0] && strcasestr(said, one))
			return true;
	}
	return false;
}

bool source_says(const struct source_file *s, const char *said, int exit, enum source_sign *out)
{
	unsigned i, k;

	/* The text is more exact than an exit code, which many failures share. */
	for (i = 0; i < SIGNS; i++) {
		*out = (enum source_sign)i;
		if (text_has_alternative(s->sign[i].text, said))
			return true;
	}
	for (i = 0; i < SIGNS; i++)
		for (k = 0; k < s->sign[i].exits; k++) {
			*out = (enum source_sign)i;
			if (s->sign[i].exit[k] == exit)
				return true;
		}
	return false;
}
