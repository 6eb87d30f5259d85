/*
 * helpers/source/manager_environment.c - the environment that a password manager gets.
 */
#include "helpers/source/manager_environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/provider/variables.h"

bool manager_drops_variable(const char *entry)
{
	char name[128];
	size_t n = strcspn(entry, "=");

	if (strncmp(entry, "LD_", 3) == 0 || n >= sizeof(name))
		return strncmp(entry, "LD_", 3) == 0;
	memcpy(name, entry, n);
	name[n] = '\0';
	return strcmp(name, "GLIBC_TUNABLES") == 0 || variable_routes_client(name) ||
	       variable_steers_runtime(name);
}

void manager_environment_set_terminal(bool terminal)
{
	char *tty = terminal ? ttyname(STDERR_FILENO) : NULL;

	if (tty)
		setenv("GPG_TTY", tty, 0);
	if (!terminal)
		unsetenv("GPG_TTY");
}

int manager_environment_leave_directory(void)
{
	const char *from = getenv("PATH");
	char *kept = from ? malloc(strlen(from) + 1) : NULL, *to = kept;
	size_t n;
	int r;

	unsetenv("PWD");
	unsetenv("OLDPWD");
	if (!from)
		return 0;
	if (!kept)
		return -1;
	for (; *from; from += n + (from[n] == ':')) {
		n = strcspn(from, ":");
		if (from[0] != '/')
			continue;
		if (to != kept)
			*to++ = ':';
		memcpy(to, from, n);
		to += n;
	}
	*to = '\0';
	/* With an empty PATH a shell looks in the working directory. */
	r = kept[0] ? setenv("PATH", kept, 1) : unsetenv("PATH");
	free(kept);
	return r;
}
