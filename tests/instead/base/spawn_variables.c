/*
 * tests/instead/base/spawn_variables.c - what the test build reads of the environment
 * reaches every program of ours, also those that start with an empty one.
 */
#include "base/spawn_variables.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 4096

static const char *const names[] = { "CCRUN_WITHOUT=", "CCRUN_TPM2_TCTI=",
				     "DBUS_SYSTEM_BUS_ADDRESS=" };
#define NAMES (sizeof(names) / sizeof(names[0]))

static const char *kept[NAMES];

static const char *environment_find(char *const *env, const char *name)
{
	for (; env && *env; env++)
		if (strncmp(*env, name, strlen(name)) == 0)
			return *env;
	return NULL;
}

/* Before main: programs empty their environment. */
__attribute__((constructor(101))) static void variables_keep(void)
{
	for (size_t i = 0; i < NAMES; i++)
		kept[i] = environment_find(environ, names[i]);
}

char *const *spawn_variables(char *const *env)
{
	static const char *all[ENTRIES_MAX + NAMES + 1];
	size_t n;

	for (n = 0; env[n]; n++) {
		if (n == ENTRIES_MAX)
			return env;
		all[n] = env[n];
	}
	for (size_t i = 0; i < NAMES; i++)
		if (kept[i] && !environment_find(env, names[i]))
			all[n++] = kept[i];
	all[n] = NULL;
	return (char *const *)all;
}
