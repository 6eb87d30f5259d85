/*
 * tests/instead/base/spawn_variables.c - CCRUN_WITHOUT reaches every program, also those
 * that start with an empty environment.
 */
#include "base/spawn_variables.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "CCRUN_WITHOUT="
#define VARIABLES_MAX 4096

static const char *without;

/* Before main: programs empty their environment. */
__attribute__((constructor(101))) static void variables_keep(void)
{
	for (char **e = environ; e && *e; e++)
		if (strncmp(*e, VARIABLE, strlen(VARIABLE)) == 0)
			without = *e;
}

char *const *spawn_variables(char *const *env)
{
	static const char *all[VARIABLES_MAX];
	size_t n;

	for (n = 0; without && env[n] && n < VARIABLES_MAX - 2; n++) {
		if (strncmp(env[n], VARIABLE, strlen(VARIABLE)) == 0)
			return env;
		all[n] = env[n];
	}
	if (!without || env[n])
		return env;
	all[n] = without;
	all[n + 1] = NULL;
	return (char *const *)all;
}
