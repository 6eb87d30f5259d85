/*
 * config/provider/names.c - the names of all providers, from both directories.
 */
#include "config/provider/names.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/ini/nearest.h"
#include "config/provider/dir.h"
#include "wire/names.h"

static int names_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int names_add(char ***names, unsigned *n, const char *leaf)
{
	size_t len = strlen(leaf);
	char name[NAME_MAX_LEN + 1], **grown;
	unsigned i;

	if (len <= 5 || len - 5 > NAME_MAX_LEN || strcmp(leaf + len - 5, ".conf") != 0)
		return 0;
	memcpy(name, leaf, len - 5);
	name[len - 5] = '\0';
	if (!wire_name_ok(name))
		return 0;
	for (i = 0; i < *n; i++)
		if (strcmp((*names)[i], name) == 0)
			return 0;
	grown = reallocarray(*names, *n + 1, sizeof(**names));
	if (!grown)
		return -1;
	*names = grown;
	grown[*n] = strdup(name);
	return grown[*n] ? (++*n, 0) : -1;
}

/* Add the names of a directory.  fd is closed. */
static int names_add_dir(int fd, const char *path, char ***names, unsigned *n, struct failure *f)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int ret = 0;

	if (!d) {
		close(fd);
		return fail_errno(f, NULL, "%s", path);
	}
	while (ret == 0 && (e = readdir(d)))
		if (names_add(names, n, e->d_name) != 0)
			ret = fail_set(f, FAIL_NO_MEMORY, NULL, "%s: no memory", path);
	closedir(d);
	return ret;
}

int provider_names(char ***names, unsigned *n, struct failure *f)
{
	char path[PATH_SIZE];
	int shipped, fd;

	*names = NULL;
	*n = 0;
	for (shipped = 1; shipped >= 0; shipped--) {
		if (provider_dir_open(shipped, path, &fd, f) != 0)
			goto fail;
		if (fd >= 0 && names_add_dir(fd, path, names, n, f) != 0)
			goto fail;
	}
	if (*n)
		qsort(*names, *n, sizeof(**names), names_compare);
	return 0;
fail:
	while (*n)
		free((*names)[--*n]);
	free(*names);
	*names = NULL;
	return -1;
}

bool provider_near(const char *name, char near[NAME_MAX_LEN + 1])
{
	const char *found = NULL;
	char **names = NULL;
	unsigned n = 0;

	if (provider_names(&names, &n, NULL) == 0)
		found = nearest_word(name, (const char *const *)names, n);
	if (found)
		snprintf(near, NAME_MAX_LEN + 1, "%s", found);
	while (n)
		free(names[--n]);
	free(names);
	return found != NULL;
}
