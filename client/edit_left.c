/*
 * client/edit_left.c - copies beside a provider's file whose edits were broken off.
 *
 * A copy is named FILE.PID-BASE.edit; BASE: the first digits of a digest of the text that the
 * edit began with.
 */
#include "client/edit_left.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/proc.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "config/ini/ini_file.h"
#include "vault/crypto.h"
#include "wire/limits.h"

#define BASE_DIGITS 8

struct left {
	const char *path; /* the file */
	const char *base; /* n bytes: the text that it has now */
	size_t n;
	const char *copy; /* of this edit */
	char digits[BASE_DIGITS + 1];
};

static void base_digits(const char *base, size_t n, char out[BASE_DIGITS + 1])
{
	char digest[SEAL_DIGEST_HEX + 1];

	seal_digest(digest, base, n);
	snprintf(out, BASE_DIGITS + 1, "%.*s", BASE_DIGITS, digest);
}

int edit_copy_name(const char *path, const char *base, size_t n, char out[PATH_SIZE],
		   struct failure *f)
{
	char digits[BASE_DIGITS + 1];

	base_digits(base, n, digits);
	if (snprintf(out, PATH_SIZE, "%s.%d-%s.edit", path, (int)getpid(), digits) < PATH_SIZE)
		return 0;
	out[0] = '\0';
	return fail_set(f, FAIL_UNSAFE_PATH, NULL, "%s: path too long", path);
}

/* Is an entry of the file's directory a copy of an edit?  digits: "" in the names of before. */
static bool left_parse(const char *leaf, const char *file, pid_t *pid, char digits[BASE_DIGITS + 1])
{
	size_t n = strlen(file);
	int number, end = 0;

	if (strncmp(leaf, file, n) != 0)
		return false;
	leaf += n;
	if (sscanf(leaf, ".%d-%8[0-9a-f].edit%n", &number, digits, &end) != 2 || end == 0) {
		digits[0] = '\0';
		if (sscanf(leaf, ".%d.edit%n", &number, &end) != 1)
			return false;
	}
	*pid = number;
	return end > 0 && leaf[end] == '\0';
}

/* Does its edit go on? */
static bool left_is_in_use(pid_t pid)
{
	struct proc_stat st;

	return pid != getpid() && proc_stat(pid, &st) == 0 && strcmp(st.comm, "ccctl") == 0 &&
	       st.state != 'Z';
}

/* Nothing was written into it, or what was has been saved. */
static bool left_says_nothing(const struct left *l, const char *path)
{
	struct stat st;
	char *text;
	size_t n;
	bool same;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    io_slurp(path, INI_FILE_MAX, &text, &n, NULL) != 0)
		return false;
	same = n == l->n && memcmp(text, l->base, n) == 0;
	free(text);
	return same;
}

/* One of them. */
static enum edit_left left_take(const struct left *l, const char *path, bool same_base,
				struct failure *f)
{
	bool go_on = false;

	if (left_says_nothing(l, path)) {
		unlink(path);
		return EDIT_LEFT_NONE;
	}
	say("note: an edit was broken off; what was written in it is in %s%s", path,
	    same_base ? "" : ", without what was changed since it began");
	if (!same_base || !terminal_asks())
		return EDIT_LEFT_NONE;
	if (terminal_yes("go on with it? (no: it stays there)", &go_on, f) != 0)
		return EDIT_LEFT_FAILED;
	if (!go_on)
		return EDIT_LEFT_NONE;
	if (rename(path, l->copy) == 0)
		return EDIT_LEFT_TAKEN;
	fail_errno(f, NULL, "%s", path);
	return EDIT_LEFT_FAILED;
}

static enum edit_left left_look(const struct left *l, DIR *d, struct failure *f)
{
	const char *slash = strrchr(l->path, '/');
	enum edit_left r = EDIT_LEFT_NONE;
	char digits[BASE_DIGITS + 1], path[PATH_SIZE];
	struct dirent *e;
	pid_t pid;

	while (r == EDIT_LEFT_NONE && (e = readdir(d))) {
		if (!left_parse(e->d_name, slash + 1, &pid, digits) || left_is_in_use(pid) ||
		    snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - l->path), l->path,
			     e->d_name) >= (int)sizeof(path))
			continue;
		r = left_take(l, path, strcmp(digits, l->digits) == 0, f);
	}
	return r;
}

enum edit_left edit_left_take(const char *path, const char *base, size_t n, const char *copy,
			      struct failure *f)
{
	struct left l = { .path = path, .base = base, .n = n, .copy = copy };
	char dir[PATH_SIZE];
	enum edit_left r;
	DIR *d;

	base_digits(base, n, l.digits);
	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	d = opendir(dir);
	if (!d) {
		fail_errno(f, NULL, "%s", dir);
		return EDIT_LEFT_FAILED;
	}
	r = left_look(&l, d, f);
	closedir(d);
	return r;
}
