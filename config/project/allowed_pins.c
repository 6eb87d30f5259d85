/*
 * config/project/allowed_pins.c - reading and changing the file of allowed pins.
 */
#include "config/project/allowed_pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"

#define FILE_LEAF "projects"
#define READ_DEADLINE_MS 5000

/* Read the whole file into *out, NUL-terminated; "" when there is none.  The caller frees it,
 * on failure too. */
static int allowed_load(char **out, size_t *n, struct failure *f)
{
	char path[PATH_SIZE];
	struct stat st;
	ssize_t got = -1;
	int fd;

	*out = calloc(1, 1);
	*n = 0;
	if (!*out)
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
		free(*out);
		*out = malloc((size_t)st.st_size + 1);
		if (*out)
			got = io_read_all(fd, *out, (size_t)st.st_size,
					  clock_now_ms() + READ_DEADLINE_MS);
	}
	close(fd);
	if (got < 0)
		return fail_set(f, FAIL_SYSTEM, "remove it; pins are then asked for again",
				"%s: cannot be read", path);
	(*out)[got] = '\0';
	*n = (size_t)got;
	return 0;
}

/* Find the lines of a path: *start is its own line, *body its content, *end behind that. */
static bool allowed_find(const char *all, const char *path, size_t *start, size_t *body,
			 size_t *end)
{
	size_t at = 0, n, len = strlen(path);

	while (all[at]) {
		n = strcspn(all + at, "\n");
		if (n == len && memcmp(all + at, path, len) == 0) {
			*start = at;
			at += n + (all[at + n] == '\n');
			*body = at;
			while (all[at] == '\t') {
				at += strcspn(all + at, "\n");
				at += all[at] == '\n';
			}
			*end = at;
			return true;
		}
		at += n + (all[at + n] == '\n');
	}
	return false;
}

/* Copy the content between body and end without its tabs. */
static void allowed_unfold(const char *all, size_t body, size_t end, char *out)
{
	size_t used = 0, n;

	while (body < end && used < PROJECT_MAX) {
		body++;
		n = strcspn(all + body, "\n");
		if (used + n > PROJECT_MAX)
			n = PROJECT_MAX - used;
		memcpy(out + used, all + body, n);
		used += n;
		body += n;
		if (all[body] != '\n')
			break;
		body++;
		/* The newline of the last line is not the content's: allowed_edit added it. */
		if (used < PROJECT_MAX && body < end)
			out[used++] = '\n';
	}
	out[used] = '\0';
}

int allowed_text(const char *path, char *out, struct failure *f)
{
	size_t n, start, body, end;
	char *all;
	int r = allowed_load(&all, &n, f);

	out[0] = '\0';
	if (r == 0 && allowed_find(all, path, &start, &body, &end))
		allowed_unfold(all, body, end, out);
	free(all);
	return r;
}

int allowed_standing(const struct project *p, enum project_standing *out, struct failure *f)
{
	char allowed[PROJECT_MAX + 1];

	*out = PROJECT_UNKNOWN;
	if (allowed_text(p->path, allowed, f) != 0)
		return -1;
	if (!control_active(CONTROL_PROJECT_PIN))
		*out = PROJECT_ALLOWED;
	else if (allowed[0])
		*out = strcmp(allowed, p->text) == 0 ? PROJECT_ALLOWED : PROJECT_CHANGED;
	return 0;
}

/* A copy of all without the old lines of the path, and (allow) with new ones.  NULL: no
 * memory. */
static char *allowed_edit(const char *all, size_t n, const char *path, const char *text, bool allow,
			  bool *was)
{
	size_t start = n, body = n, end = n, used, lines = 1, i;
	char *out;

	*was = allowed_find(all, path, &start, &body, &end);
	for (i = 0; text && text[i]; i++)
		lines += text[i] == '\n';
	out = malloc(n + strlen(path) + (text ? strlen(text) : 0) + 2 * lines + 4);
	if (!out)
		return NULL;
	memcpy(out, all, start);
	used = start;
	memcpy(out + used, all + end, n - end);
	used += n - end;
	if (used > 0 && out[used - 1] != '\n')
		out[used++] = '\n';
	if (allow) {
		memcpy(out + used, path, strlen(path));
		used += strlen(path);
		out[used++] = '\n';
		/* A tab before every line, the empty one behind a last newline too. */
		for (i = 0, out[used++] = '\t'; text[i]; i++) {
			out[used++] = text[i];
			if (text[i] == '\n')
				out[used++] = '\t';
		}
		out[used++] = '\n';
	}
	out[used] = '\0';
	return out;
}

/* Take the lock of the file, so that no decision of another ccctl is lost.  A descriptor, or
 * -1. */
static int allowed_lock(struct failure *f)
{
	char dir[PATH_SIZE];
	int d, fd;

	if (path_of(PATH_DATA, NULL, dir, f) != 0)
		return -1;
	d = path_private_dir(dir, f);
	if (d < 0)
		return -1;
	fd = openat(d, FILE_LEAF ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	close(d);
	if (fd < 0 || flock(fd, LOCK_EX) != 0) {
		fail_errno(f, NULL, "%s/" FILE_LEAF ".lock", dir);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

int allowed_record(const char *path, const char *text, bool allow, bool *was, struct failure *f)
{
	char file[PATH_SIZE], *all = NULL, *fresh = NULL;
	bool before = false;
	int lock, r = -1;
	size_t n;

	if (strchr(path, '\n'))
		return fail_set(f, FAIL_UNSAFE_PATH, "rename the directory",
				"a path with a line break cannot be allowed");
	lock = allowed_lock(f);
	if (lock < 0)
		return -1;
	if (allowed_load(&all, &n, f) == 0 && path_of(PATH_DATA, FILE_LEAF, file, f) == 0) {
		fresh = allowed_edit(all, n, path, text, allow, &before);
		if (!fresh)
			fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
		else if (strlen(fresh) > ALLOWED_MAX)
			fail_set(f, FAIL_TOO_LARGE, "ccctl deny forgets those that are gone",
				 "%s: too many projects", file);
		else
			r = io_replace_file(file, 0600, fresh, strlen(fresh), f);
	}
	if (was)
		*was = before;
	free(all);
	free(fresh);
	close(lock);
	return r;
}
