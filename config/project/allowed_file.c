/*
 * config/project/allowed_file.c - reading and changing the file of what was allowed.
 */
#include "config/project/allowed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file_lock.h"
#include "base/io.h"
#include "base/paths.h"

#define FILE_LEAF "projects"
#define READ_DEADLINE_MS 5000
#define LOCK_PATIENCE_MS 10000

int allowed_file_load(char **all, struct failure *f)
{
	char path[PATH_SIZE];
	struct stat st;
	ssize_t got = -1;
	int fd;

	*all = calloc(1, 1);
	if (!*all)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (path_of(PATH_DATA, FILE_LEAF, path, f) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "%s", path);
	if (path_check_trusted(fd, path, f) != 0) {
		close(fd);
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ALLOWED_MAX) {
		free(*all);
		*all = malloc((size_t)st.st_size + 1);
		if (*all)
			got = io_read_all(fd, *all, (size_t)st.st_size,
					  clock_now_ms() + READ_DEADLINE_MS);
	}
	close(fd);
	if (got < 0)
		return fail_set(f, FAIL_SYSTEM, "remove it; pins are then asked for again",
				"%s: cannot be read", path);
	(*all)[got] = '\0';
	return 0;
}

/* Behind the line that offset at is in. */
static size_t line_end(const char *all, size_t at)
{
	at += strcspn(all + at, "\n");
	return at + (all[at] == '\n');
}

bool allowed_file_next(const char *all, size_t from, struct allowed_at *at)
{
	if (!all[from])
		return false;
	at->start = from;
	at->body = line_end(all, from);
	at->end = at->body;
	while (all[at->end] == '\t')
		at->end = line_end(all, at->end);
	return true;
}

bool allowed_file_find(const char *all, size_t from, const char *key, struct allowed_at *at)
{
	size_t n = strlen(key);

	while (allowed_file_next(all, from, at)) {
		if (strncmp(all + at->start, key, n) == 0 && all[at->start + n] == '\n')
			return true;
		from = at->end;
	}
	return false;
}

void allowed_file_text(const char *all, const struct allowed_at *at, char *out, size_t max)
{
	size_t used = 0, n, body = at->body;

	while (body < at->end && used < max) {
		body++;
		n = strcspn(all + body, "\n");
		if (used + n > max)
			n = max - used;
		memcpy(out + used, all + body, n);
		used += n;
		body += n;
		if (all[body] != '\n')
			break;
		body++;
		/* The newline of the last line is not the text's: allowed_file_add wrote it. */
		if (used < max && body < at->end)
			out[used++] = '\n';
	}
	out[used] = '\0';
}

void allowed_file_remove(char *all, const struct allowed_at *at)
{
	memmove(all + at->start, all + at->end, strlen(all + at->end) + 1);
}

bool allowed_file_add(char **all, const char *key, const char *text)
{
	size_t used = strlen(*all), lines = 1, i;
	char *out;

	for (i = 0; text[i]; i++)
		lines += text[i] == '\n';
	out = realloc(*all, used + strlen(key) + strlen(text) + lines + 4);
	if (!out)
		return false;
	*all = out;
	if (used > 0 && out[used - 1] != '\n')
		out[used++] = '\n';
	strcpy(out + used, key);
	used += strlen(key);
	out[used++] = '\n';
	/* A tab before every line, the empty one behind a last newline too. */
	for (i = 0, out[used++] = '\t'; text[i]; i++) {
		out[used++] = text[i];
		if (text[i] == '\n')
			out[used++] = '\t';
	}
	out[used++] = '\n';
	out[used] = '\0';
	return true;
}

int allowed_file_lock(struct failure *f)
{
	char dir[PATH_SIZE], path[PATH_SIZE + 32];
	int d, fd;

	if (path_of(PATH_DATA, NULL, dir, f) != 0)
		return -1;
	d = path_private_dir(dir, f);
	if (d < 0)
		return -1;
	fd = openat(d, FILE_LEAF ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	close(d);
	snprintf(path, sizeof(path), "%s/" FILE_LEAF ".lock", dir);
	if (fd < 0)
		return fail_errno(f, NULL, "%s", path);
	if (file_lock(fd, LOCK_PATIENCE_MS, path, f) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int allowed_file_save(const char *all, struct failure *f)
{
	char path[PATH_SIZE];

	if (path_of(PATH_DATA, FILE_LEAF, path, f) != 0)
		return -1;
	if (strlen(all) > ALLOWED_MAX)
		return fail_set(f, FAIL_TOO_LARGE, "ccctl deny forgets those that are gone",
				"%s: too many projects", path);
	return io_replace_file(path, 0600, all, strlen(all), f);
}
