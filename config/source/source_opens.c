/*
 * config/source/source_opens.c - the variables that the user's own source files say open a
 * password manager.
 */
#include "config/source/source_opens.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/ini/ini_file.h"
#include "config/provider/manager_variables.h"
#include "config/source/source.h"

/* The names were checked (source_check_keys). */
static int opens_take(const struct ini_item *it, struct own_manager_variables *out,
		      struct failure *f)
{
	const char *p = it->value;
	size_t n;

	for (p += strspn(p, " \t"); *p; p += n + strspn(p + n, " \t")) {
		n = strcspn(p, " \t");
		if (out->n == OWN_MANAGER_VARIABLES)
			return ini_fail(f, it, NULL,
					"your source files name more than %d variables",
					OWN_MANAGER_VARIABLES);
		snprintf(out->pattern[out->n++], sizeof(out->pattern[0]), "%.*s", (int)n, p);
	}
	return 0;
}

static int opens_read(int fd, const char *dir, const char *leaf, struct own_manager_variables *out,
		      struct failure *f)
{
	struct ini_file *file = NULL;
	const struct ini_item *it;
	enum ini_read r = ini_file_read(fd, dir, leaf, &file, f);
	int ret;

	if (r != INI_READ)
		return r == INI_FAILED ? -1 : 0;
	ret = source_check_keys(file, f);
	it = ini_file_get(file, "source", "opens");
	if (ret == 0 && it)
		ret = opens_take(it, out, f);
	ini_file_free(file);
	return ret;
}

static bool is_conf(const char *leaf)
{
	size_t n = strlen(leaf);

	return leaf[0] != '.' && n > 5 && strcmp(leaf + n - 5, ".conf") == 0;
}

int source_own_opens(struct own_manager_variables *out, struct failure *f)
{
	char dir[PATH_SIZE];
	struct dirent *e;
	DIR *list;
	int fd, ret = 0;

	out->n = 0;
	if (path_of(PATH_CONFIG, "sources", dir, f) != 0)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(f, NULL, "%s", dir);
	list = fdopendir(fd);
	if (!list) {
		close(fd);
		return fail_errno(f, NULL, "%s", dir);
	}
	ret = path_check_trusted(fd, dir, f);
	while (ret == 0) {
		errno = 0;
		e = readdir(list);
		if (!e)
			break;
		if (is_conf(e->d_name))
			ret = opens_read(fd, dir, e->d_name, out, f);
	}
	/* MUST: no end of the list that is none. */
	if (ret == 0 && errno)
		ret = fail_errno(f, NULL, "%s", dir);
	closedir(list);
	if (ret != 0)
		out->n = 0;
	return ret;
}
