/*
 * config/client/tried.c - a file of lines "IDENTITY relay=yes first-party=no", the newest
 * first.  One that is damaged or not the user's own counts as empty.
 */
#include "config/client/tried.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"

#define LINE_SIZE (TRIED_IDENTITY_MAX + 48)
#define FILE_MAX (TRIED_CLIENTS_MAX * LINE_SIZE)

struct tried_line {
	char identity[TRIED_IDENTITY_MAX + 1];
	struct tried tried;
};

struct tried_file {
	struct tried_line line[TRIED_CLIENTS_MAX];
	unsigned n;
};

static int answer_parse(const char *word, const char *name, bool *out)
{
	size_t n = strlen(name);

	if (!word || strncmp(word, name, n) != 0 || word[n] != '=')
		return -1;
	*out = strcmp(word + n + 1, "yes") == 0;
	return *out || strcmp(word + n + 1, "no") == 0 ? 0 : -1;
}

static int line_parse(char *text, struct tried_line *l)
{
	char *save = NULL, *word = strtok_r(text, " ", &save);

	if (!word || strlen(word) > TRIED_IDENTITY_MAX ||
	    strspn(word, "0123456789.:+") != strlen(word))
		return -1;
	memcpy(l->identity, word, strlen(word) + 1);
	if (answer_parse(strtok_r(NULL, " ", &save), "relay", &l->tried.relay) != 0 ||
	    answer_parse(strtok_r(NULL, " ", &save), "first-party", &l->tried.first_party) != 0)
		return -1;
	return strtok_r(NULL, " ", &save) ? -1 : 0;
}

/* The file's text as lines; a damaged one has none. */
static void file_parse(char *text, size_t n, struct tried_file *out)
{
	char *save = NULL, *line;

	out->n = 0;
	if (n == 0 || text[n - 1] != '\n' || strlen(text) != n)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (out->n == TRIED_CLIENTS_MAX || line_parse(line, &out->line[out->n++]) != 0) {
			out->n = 0;
			return;
		}
}

/* Is it a file that nobody else can read or write? */
static bool file_is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 077) == 0;
}

/* path (PATH_SIZE bytes) = where it is; the directory is made.  0 or -1. */
static int file_find(char *path, struct failure *f)
{
	char dir[PATH_SIZE];
	int fd;

	if (path_of(PATH_CACHE, NULL, dir, f) != 0 || path_of(PATH_CACHE, "clients", path, f) != 0)
		return -1;
	fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void file_read(const char *path, struct tried_file *out)
{
	char *text = NULL;
	size_t n = 0;

	out->n = 0;
	if (!file_is_private(path) || io_slurp(path, FILE_MAX, &text, &n, NULL) != 0)
		return;
	file_parse(text, n, out);
	free(text);
}

bool tried_get(const char *identity, struct tried *out)
{
	static struct tried_file file;
	char path[PATH_SIZE];
	unsigned i;

	if (file_find(path, NULL) != 0)
		return false;
	file_read(path, &file);
	for (i = 0; i < file.n && strcmp(file.line[i].identity, identity) != 0; i++)
		;
	if (i == file.n)
		return false;
	*out = file.line[i].tried;
	return true;
}

static int line_format(char *out, size_t room, const char *identity, const struct tried *t)
{
	return snprintf(out, room, "%s relay=%s first-party=%s\n", identity,
			t->relay ? "yes" : "no", t->first_party ? "yes" : "no");
}

int tried_put(const char *identity, const struct tried *t, struct failure *f)
{
	static struct tried_file file;
	static char text[FILE_MAX];
	char path[PATH_SIZE];
	unsigned i, lines = 1;
	size_t n;

	if (strlen(identity) > TRIED_IDENTITY_MAX)
		return fail_set(f, FAIL_INTERNAL, NULL, "a client's identity is too long");
	if (file_find(path, f) != 0)
		return -1;
	file_read(path, &file);
	n = (size_t)line_format(text, sizeof(text), identity, t);
	for (i = 0; i < file.n && lines < TRIED_CLIENTS_MAX; i++) {
		if (strcmp(file.line[i].identity, identity) == 0)
			continue;
		n += (size_t)line_format(text + n, sizeof(text) - n, file.line[i].identity,
					 &file.line[i].tried);
		lines++;
	}
	return io_replace_file(path, 0600, text, n, f);
}
