/*
 * start/detached.c - starting a program of ccrun's that outlives its starter.
 */
#include "start/detached.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/spawn.h"

/* They say where the user's files of ccrun are. */
static const char *const passed_on[] = {
	"HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME",
};
#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static void environment_free(char **env)
{
	unsigned i;

	for (i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}

/* Append NAME=VALUE when it is set.  0 or -1. */
static int environment_add(char **env, unsigned *n, const char *name)
{
	const char *v = getenv(name);

	if (!v)
		return 0;
	if (asprintf(&env[*n], "%s=%s", name, v) < 0) {
		env[*n] = NULL;
		return -1;
	}
	++*n;
	return 0;
}

static char **environment_new(const char *const *also)
{
	unsigned i, n = 0, more = 0;
	int r = 0;
	char **env;

	while (also && also[more])
		more++;
	env = calloc(PASSED_ON + more + 1, sizeof(*env));
	for (i = 0; env && r == 0 && i < PASSED_ON; i++)
		r = environment_add(env, &n, passed_on[i]);
	for (i = 0; env && r == 0 && i < more; i++)
		r = environment_add(env, &n, also[i]);
	if (env && r != 0) {
		environment_free(env);
		return NULL;
	}
	return env;
}

int detached_start(const char *path, const char *const argv[], const char *const *also, int fd3,
		   int64_t deadline)
{
	char **env = environment_new(also);
	struct spawn s = {
		.path = path,
		.argv = argv,
		.env = env,
		.fd = { { 0, SPAWN_NULL }, { 1, SPAWN_NULL }, { 2, SPAWN_NULL }, { 3, fd3 } },
		.fds = fd3 >= 0 ? 4 : 3,
		.close_others = true,
		.all_defaults = true,
		.unblocked = true,
		.dir = "/",
		.deadline = deadline,
	};
	int r, saved;

	if (!env) {
		errno = ENOMEM;
		return -1;
	}
	r = spawn_detached(&s, deadline != 0);
	saved = errno;
	environment_free(env);
	errno = saved;
	return r;
}
