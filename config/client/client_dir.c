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

int client_config_dir(const struct provider *p, char *dir, struct failure *f)
{
	const char *own = getenv("CLAUDE_CONFIG_DIR");
	unsigned i;
	size_t n;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, "CLAUDE_CONFIG_DIR") == 0)
			own = p->env[i].value;
	if (own && own[0] == '/')
		return snprintf(dir, PATH_SIZE, "%s", own) < PATH_SIZE
			       ? 0
			       : fail_set(f, FAIL_UNSAFE_PATH, NULL,
					  "CLAUDE_CONFIG_DIR is too long");
	if (path_home(dir, f) != 0)
		return -1;
	n = strlen(dir);
	return snprintf(dir + n, PATH_SIZE - n, "/.claude") < (int)(PATH_SIZE - n)
		       ? 0
		       : fail_set(f, FAIL_UNSAFE_PATH, NULL, "HOME is too long");
}
