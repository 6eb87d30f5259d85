/*
 * git/git_tracked.c - looking a file up in the index of the repository that it is in.
 */
#include "git/git_tracked.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "git/git_config.h"
#include "git/git_file.h"
#include "git/git_index.h"
#include "git/git_repository.h"

int git_tracked(const char *path, int budget_ms, char *top)
{
	static struct git_repository r;
	static struct git_config config;
	static char text[GIT_CONFIG_MAX + 1];
	struct git_index_query query = { .git_dir = r.git_dir,
					 .common = r.common,
					 .top = r.top,
					 .config = &config,
					 .budget_ms = budget_ms };
	char file[PATH_MAX], dir[PATH_MAX];
	ssize_t n;
	size_t len;

	if (!realpath(path, file))
		return -1;
	strcpy(dir, file);
	*strrchr(dir, '/') = '\0';
	if (!git_repository_find(dir[0] ? dir : "/", &r) || r.bare)
		return 0;
	n = git_file_read(r.common, "config", true, text, sizeof(text));
	git_config_parse(text, n > 0 ? (size_t)n : 0, &config);
	len = strlen(r.top);
	if (strncmp(file, r.top, len) != 0 || file[len] != '/')
		return -1;
	strcpy(top, r.top);
	return git_index_has(&query, file + len + 1);
}
