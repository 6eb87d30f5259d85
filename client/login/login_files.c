/*
 * client/login/login_files.c - the files that open the vault at log-in: found,
 * compared, written and removed.
 */
#include "client/login/login_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"

/* The first line of every file that ccctl wrote. */
static const char marker[] = "# Written by ccctl login enable; ccctl login disable removes it.\n";

static const struct {
	const char *name;
	const char *template;  /* below share/ccrun/ */
	const char *wanted_by; /* the target in its [Install]; NULL: it is not enabled */
} files[LOGIN_FILES] = {
	{ "ccbroker.socket", "systemd/user/ccbroker.socket.in", "sockets.target" },
	{ "ccbroker.service", "systemd/user/ccbroker.service.in", NULL },
	{ "ccrun-unlock.service", "systemd/user/ccrun-unlock.service.in",
	  "graphical-session.target" },
	{ "ccrun-logind.service", "systemd/user/ccrun-logind.service.in", "ccbroker.service" },
	{ "ccrun-unlock.desktop", "autostart/ccrun-unlock.desktop.in", NULL },
};

/* Where root's installation puts units for all users; systemd, too, prefers the first. */
static const char *const shared_dirs[] = { "/usr/local/lib/systemd/user", "/usr/lib/systemd/user" };

const char *login_state_name(enum file_state s)
{
	static const char *const names[] = { "missing", "current", "stale", "foreign" };

	return names[s];
}

/* ---- what this installation writes ---- */

/* Refuse a path with characters that are special in unit or desktop files. */
static int login_check_prefix(const char *path, struct failure *f)
{
	const char *p;

	for (p = path; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"'\\%$`;#&|<>*?()~", *p))
			return fail_set(f, FAIL_CONFIG,
					"install where the path has no blanks or quotes",
					"a unit cannot name programs below %s", path);
	return 0;
}

static int login_append(char *out, size_t *used, const char *text, size_t n)
{
	if (*used + n >= LOGIN_TEXT)
		return -1;
	memcpy(out + *used, text, n);
	*used += n;
	out[*used] = '\0';
	return 0;
}

static int login_fill_template(const char *template, const char *bin, const char *libexec,
			       char *out)
{
	static const char *const marks[] = { "@BIN@", "@LIBEXEC@" };
	const char *values[] = { bin, libexec };
	size_t used = 0, n;
	unsigned i;

	if (login_append(out, &used, marker, sizeof(marker) - 1) != 0)
		return -1;
	while (*template) {
		for (i = 0; i < 2; i++)
			if (strncmp(template, marks[i], strlen(marks[i])) == 0)
				break;
		n = i < 2 ? strlen(marks[i]) : 1;
		if (login_append(out, &used, i < 2 ? values[i] : template,
				 i < 2 ? strlen(values[i]) : 1) != 0)
			return -1;
		template += n;
	}
	return 0;
}

static int login_compose(int which, char *out, struct failure *f)
{
	char path[PATH_SIZE], rest[128], bin[PATH_SIZE], libexec[PATH_SIZE], *text;
	size_t n;
	int r;

	snprintf(rest, sizeof(rest), "share/ccrun/%s", files[which].template);
	if (path_installed(rest, path, f) != 0 || path_installed("bin", bin, f) != 0 ||
	    path_installed("libexec/ccrun", libexec, f) != 0 || login_check_prefix(bin, f) != 0)
		return -1;
	if (io_slurp(path, LOGIN_TEXT, &text, &n, f) != 0) {
		fail_hint(f, "the installation is not whole: make install again");
		return -1;
	}
	r = login_fill_template(text, bin, libexec, out);
	free(text);
	return r == 0 ? 0 : fail_set(f, FAIL_TOO_LARGE, NULL, "%s is too long", path);
}

/* ---- what is there ---- */

/* "$XDG_CONFIG_HOME/REST" in out. */
static int login_config_home(const char *rest, char *out, struct failure *f)
{
	size_t n;

	if (path_of(PATH_CONFIG, NULL, out, f) != 0)
		return -1;
	n = (size_t)(strrchr(out, '/') - out);
	if (n + strlen(rest) + 2 > PATH_SIZE)
		return fail_set(f, FAIL_UNSAFE_PATH, NULL, "path too long: %.100s...", out);
	snprintf(out + n, PATH_SIZE - n, "/%s", rest);
	return 0;
}

static int login_look_file(struct login_file *file, struct failure *f)
{
	struct stat st;
	char *text;
	size_t n;

	file->state = FILE_FOREIGN;
	if (lstat(file->path, &st) != 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return fail_errno(f, NULL, "%s", file->path);
		file->state = FILE_MISSING;
		return 0;
	}
	/* A symbolic link is foreign: a masked unit (to /dev/null), or a dotfile manager's. */
	if (!S_ISREG(st.st_mode) || st.st_size > LOGIN_TEXT)
		return 0;
	if (io_slurp(file->path, LOGIN_TEXT, &text, &n, f) != 0)
		return -1;
	if (strcmp(text, file->text) == 0)
		file->state = FILE_CURRENT;
	else if (strncmp(text, marker, sizeof(marker) - 1) == 0)
		file->state = FILE_STALE;
	free(text);
	return 0;
}

/* Does dir have all units?  *current: are they this installation's? */
static bool login_shared_here(const struct login_files *l, const char *dir, bool *current)
{
	char path[PATH_SIZE], *text;
	size_t n;
	int i;

	*current = true;
	for (i = 0; i < LOGIN_UNITS; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
		if (io_slurp(path, LOGIN_TEXT, &text, &n, NULL) != 0)
			return false;
		if (strcmp(text, l->file[i].text + sizeof(marker) - 1) != 0)
			*current = false;
		free(text);
	}
	return true;
}

int login_look(struct login_files *l, struct failure *f)
{
	char rest[128];
	unsigned i;

	memset(l, 0, sizeof(*l));
	if (login_config_home("systemd/user", l->dir, f) != 0)
		return -1;
	for (i = 0; i < LOGIN_FILES; i++) {
		snprintf(rest, sizeof(rest), "%s/%s", i == AUTOSTART ? "autostart" : "systemd/user",
			 files[i].name);
		l->file[i].name = files[i].name;
		if (login_config_home(rest, l->file[i].path, f) != 0 ||
		    login_compose((int)i, l->file[i].text, f) != 0 ||
		    login_look_file(&l->file[i], f) != 0)
			return -1;
	}
	for (i = 0; i < sizeof(shared_dirs) / sizeof(shared_dirs[0]); i++) {
		if (!login_shared_here(l, shared_dirs[i], &l->shared_current))
			continue;
		snprintf(l->shared, sizeof(l->shared), "%s", shared_dirs[i]);
		break;
	}
	return 0;
}

/* ---- changing it ---- */

int login_not_foreign(const struct login_files *l, int first, int last, struct failure *f)
{
	int i;

	for (i = first; i <= last; i++)
		if (l->file[i].state == FILE_FOREIGN)
			return fail_set(f, FAIL_EXISTS, "move it away, then the same command again",
					"%s is there and was not written by ccctl: left as it is",
					l->file[i].path);
	return 0;
}

/* Make the directory of path and its parents; nobody else may be able to write to it. */
static int login_make_directory(const char *path, struct failure *f)
{
	char dir[PATH_SIZE];
	int fd, r;

	if (path_make_parents(path, f) != 0)
		return -1;
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(f, NULL, "directory %s", dir);
	r = path_check_trusted(fd, dir, f);
	close(fd);
	return r;
}

int login_write(struct login_files *l, int which, struct failure *f)
{
	struct login_file *file = &l->file[which];

	if (file->state == FILE_CURRENT)
		return 0;
	if (login_not_foreign(l, which, which, f) != 0 ||
	    login_make_directory(file->path, f) != 0 ||
	    io_replace_file(file->path, 0644, file->text, strlen(file->text), f) != 0)
		return -1;
	file->state = FILE_CURRENT;
	return 1;
}

int login_remove(struct login_files *l, int which, struct failure *f)
{
	struct login_file *file = &l->file[which];

	if (file->state != FILE_CURRENT && file->state != FILE_STALE)
		return 0;
	if (io_remove_file(file->path) != 0 && errno != ENOENT)
		return fail_errno(f, NULL, "remove %s", file->path);
	file->state = FILE_MISSING;
	return 1;
}

/* The link that `systemctl --user enable` makes.  false: this unit is not enabled by one. */
static bool login_link_path(const struct login_files *l, int which, char out[2 * PATH_SIZE])
{
	if (!files[which].wanted_by)
		return false;
	snprintf(out, 2 * PATH_SIZE, "%s/%s.wants/%s", l->dir, files[which].wanted_by,
		 files[which].name);
	return true;
}

bool login_linked(const struct login_files *l, int which)
{
	char path[2 * PATH_SIZE];
	struct stat st;

	return login_link_path(l, which, path) && lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int login_unlink(const struct login_files *l, int which, struct failure *f)
{
	char path[2 * PATH_SIZE];

	if (login_linked(l, which) && login_link_path(l, which, path) && io_remove_file(path) != 0)
		return fail_errno(f, NULL, "remove %s", path);
	return 0;
}
