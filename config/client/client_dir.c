/*
 * config/client/client_dir.c - where the client keeps its files.
 */
#include "config/client/client_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/provider/provider.h"

/*
 * The client makes a directory of that name wherever it is started, with its history and its
 * log-in, and takes what a repository has there for the person's own settings.
 */
static int client_config_dir_relative(const char *own, struct failure *f)
{
	char dir[PATH_SIZE];
	size_t n;

	fail_set(f, FAIL_CONFIG, "write it from / on, or unset it",
		 "CLAUDE_CONFIG_DIR=%.200s is not an absolute path: claude would keep its files "
		 "below "
		 "the directory that it is started in",
		 own);
	if (strncmp(own, "~/", 2) != 0 || path_home(dir, NULL) != 0)
		return -1;
	n = strlen(dir);
	if (snprintf(dir + n, sizeof(dir) - n, "%s", own + 1) < (int)(sizeof(dir) - n))
		fail_hint(f, "export CLAUDE_CONFIG_DIR=%s", dir);
	return -1;
}

int client_config_dir(const struct provider *p, char *dir, struct failure *f)
{
	const char *own = getenv("CLAUDE_CONFIG_DIR");
	unsigned i;
	size_t n;

	for (i = 0; p && i < p->envs; i++)
		if (strcmp(p->env[i].name, "CLAUDE_CONFIG_DIR") == 0)
			own = p->env[i].value;
	if (own && own[0] == '/')
		return snprintf(dir, PATH_SIZE, "%s", own) < PATH_SIZE
			       ? 0
			       : fail_set(f, FAIL_UNSAFE_PATH, NULL,
					  "CLAUDE_CONFIG_DIR is too long");
	if (own && own[0])
		return client_config_dir_relative(own, f);
	if (path_home(dir, f) != 0)
		return -1;
	n = strlen(dir);
	return snprintf(dir + n, PATH_SIZE - n, "/.claude") < (int)(PATH_SIZE - n)
		       ? 0
		       : fail_set(f, FAIL_UNSAFE_PATH, NULL, "HOME is too long");
}
