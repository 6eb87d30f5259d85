/*
 * client/common/trials.c - a small file of lines "word value" for each provider and mode.
 */
#include "client/common/trials.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "base/paths.h"
#include "client/common/entries.h"
#include "config/provider/auth.h"
#include "config/provider/provider.h"
#include "vault/crypto.h"

#define FILE_MAX 2048
#define DIRECTORY "trials"

/* ---- what was tried ---- */

/* What a launch would send, and where; the order is the files'. */
static void files_print(FILE *to, const struct provider *p)
{
	unsigned i;

	fprintf(to, "%s\n%s\n%s\n%s\n", p->origin, p->base_url, auth_name(p->auth), p->placeholder);
	for (i = 0; i < p->secrets; i++)
		fprintf(to, "secret %s=%s\n", p->secret[i].variable, p->secret[i].entry);
	for (i = 0; i < p->envs; i++)
		fprintf(to, "env %s=%s\n", p->env[i].name, p->env[i].value);
	for (i = 0; i < p->headers; i++)
		fprintf(to, "header %s=%s\n", p->header[i].name, p->header[i].value);
}

static void keys_print(FILE *to, const struct provider *p, const struct listed *entries, unsigned n)
{
	const struct listed *e;
	unsigned i;

	for (i = 0; i < p->secrets; i++) {
		e = entries_find(entries, n, p->secret[i].entry);
		fprintf(to, "%s %" PRIu64 " %" PRIu64 "\n", p->secret[i].entry, e ? e->created : 0,
			e ? e->changed : 0);
	}
}

int trial_subject_of(const struct provider *p, const struct listed *entries, unsigned n,
		     struct trial_subject *out, struct failure *f)
{
	char *text = NULL;
	size_t size = 0, files;
	FILE *to = open_memstream(&text, &size);

	memset(out, 0, sizeof(*out));
	if (!to)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a provider's text");
	files_print(to, p);
	fflush(to);
	files = size;
	if (entries)
		keys_print(to, p, entries, n);
	if (fclose(to) != 0) {
		free(text);
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a provider's text");
	}
	seal_digest(out->files, text, files);
	if (entries)
		seal_digest(out->keys, text + files, size - files);
	free(text);
	return 0;
}

bool trial_subject_same(const struct trial_subject *then, const struct trial_subject *now)
{
	if (strcmp(then->files, now->files) != 0)
		return false;
	return !then->keys[0] || !now->keys[0] || strcmp(then->keys, now->keys) == 0;
}

/* ---- the file ---- */

/* path (PATH_SIZE bytes) = where it is. */
static int file_find(const char *provider, const char *mode, char *path, struct failure *f)
{
	char leaf[sizeof(DIRECTORY) + 2 * NAME_MAX_LEN + 4];

	snprintf(leaf, sizeof(leaf), DIRECTORY "/%s%s%s", provider, mode[0] ? ":" : "", mode);
	return path_of(PATH_STATE, leaf, path, f);
}

/* Is it a file that nobody else can write? */
static bool file_is_own(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 022) == 0;
}

static bool digest_take(char out[SEAL_DIGEST_HEX + 1], const char *value)
{
	if (strlen(value) != SEAL_DIGEST_HEX ||
	    strspn(value, "0123456789abcdef") != SEAL_DIGEST_HEX)
		return false;
	memcpy(out, value, SEAL_DIGEST_HEX + 1);
	return true;
}

static bool number_take(uint64_t *out, const char *value)
{
	unsigned long n;

	if (!number_parse(value, 0, LONG_MAX, &n))
		return false;
	*out = n;
	return true;
}

static bool line_parse(struct kept_trial *t, char *line)
{
	char *value = strchr(line, ' ');

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(line, "at") == 0)
		return number_take(&t->at, value);
	if (strcmp(line, "first-ms") == 0)
		return number_take(&t->first_ms, value);
	if (strcmp(line, "files") == 0)
		return digest_take(t->subject.files, value);
	if (strcmp(line, "keys") == 0)
		return digest_take(t->subject.keys, value);
	if (strcmp(line, "outcome") == 0)
		return trial_from_name(value, &t->outcome) == 0 && trial_is_of_provider(t->outcome);
	if (strcmp(line, "model") != 0 || strlen(value) > TRIAL_MODEL_MAX)
		return false;
	memcpy(t->model, value, strlen(value) + 1);
	return true;
}

/* One that is damaged is none. */
static bool file_parse(char *text, size_t n, struct kept_trial *out)
{
	char *save = NULL, *line;

	if (n == 0 || text[n - 1] != '\n' || strlen(text) != n)
		return false;
	out->outcome = TRIALS;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!line_parse(out, line))
			return false;
	return out->at > 0 && out->outcome != TRIALS && out->subject.files[0];
}

bool trial_kept(const char *provider, const char *mode, struct kept_trial *out)
{
	char path[PATH_SIZE], *text = NULL;
	size_t n = 0;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (file_find(provider, mode, path, NULL) != 0 || !file_is_own(path) ||
	    io_slurp(path, FILE_MAX, &text, &n, NULL) != 0)
		return false;
	ok = file_parse(text, n, out);
	free(text);
	return ok;
}

int trial_keep(const char *provider, const char *mode, const struct kept_trial *t,
	       struct failure *f)
{
	char dir[PATH_SIZE], path[PATH_SIZE], text[FILE_MAX];
	struct failure model;
	int n, fd;

	if (path_of(PATH_STATE, DIRECTORY, dir, f) != 0 || file_find(provider, mode, path, f) != 0)
		return -1;
	fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	/* Its control characters replaced, so that it is one line. */
	fail_set(&model, FAIL_NONE, NULL, "%.*s", TRIAL_MODEL_MAX, t->model);
	n = snprintf(text, sizeof(text),
		     "at %" PRIu64 "\noutcome %s\nfirst-ms %" PRIu64 "\nfiles %s\n", t->at,
		     trial_name(t->outcome), t->first_ms, t->subject.files);
	if (t->subject.keys[0])
		n += snprintf(text + n, sizeof(text) - (size_t)n, "keys %s\n", t->subject.keys);
	if (model.what[0])
		n += snprintf(text + n, sizeof(text) - (size_t)n, "model %s\n", model.what);
	return io_replace_file(path, 0600, text, (size_t)n, f);
}
