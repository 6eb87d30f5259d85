/*
 * client/common/pinentry_environment.c - pinentry's variables, and whether there is a display.
 */
#include "client/common/pinentry_environment.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "client/common/compositor.h"

#define ENV_COUNT(a) (sizeof(a) / sizeof((a)[0]))

bool pinentry_has_display(void)
{
	const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

	return (x && *x) || (wayland && *wayland);
}

/* Where an X server's cookie is, if nothing says it: in the home that pinentry is not told. */
static char *xauthority_of_home(void)
{
	static const char name[] = "XAUTHORITY=";
	static char text[sizeof(name) + PATH_SIZE + sizeof("/.Xauthority")];
	const char *set = getenv("XAUTHORITY"), *display = getenv("DISPLAY");
	char home[PATH_SIZE];

	if ((set && *set) || !display || !*display || path_home(home, NULL) != 0)
		return NULL;
	snprintf(text, sizeof(text), "%s%s/.Xauthority", name, home);
	return access(text + strlen(name), R_OK) == 0 ? text : NULL;
}

char *const *pinentry_environment(const char *compositor)
{
	static const char *const kept[] = { "USER=",
					    "LOGNAME=",
					    "DISPLAY=",
					    "XAUTHORITY=",
					    "XDG_SESSION_TYPE=",
					    "XDG_CURRENT_DESKTOP=",
					    "TERM=",
					    "LANG=",
					    "LC_ALL=",
					    "LC_CTYPE=",
					    "LC_MESSAGES=" };
	static const char *const given[] = { "PATH=/usr/bin:/bin",
					     "HOME=/",
					     "XDG_CONFIG_HOME=/nonexistent",
					     "XDG_DATA_HOME=/nonexistent",
					     "XDG_RUNTIME_DIR=/nonexistent",
					     "TMPDIR=/nonexistent",
					     "AT_SPI_BUS_ADDRESS=unix:path=/nonexistent",
					     "NO_AT_BRIDGE=1" };
	static char *env[ENV_COUNT(given) + ENV_COUNT(kept) + 4];
	static char display[sizeof("WAYLAND_DISPLAY=") + COMPOSITOR_PATH];
	/* libwayland takes the connection; the name tells others that there is one. */
	static char connection[] = "WAYLAND_SOCKET=3"; /* PINENTRY_WINDOW_FD */
	char *const found[] = { xauthority_of_home(), compositor ? display : NULL,
				compositor ? connection : NULL };
	unsigned i, n = 0;
	char **e;

	if (compositor)
		snprintf(display, sizeof(display), "WAYLAND_DISPLAY=%s", compositor);
	for (i = 0; i < ENV_COUNT(given); i++)
		env[n++] = (char *)(uintptr_t)given[i];
	for (i = 0; i < ENV_COUNT(found); i++)
		if (found[i])
			env[n++] = found[i];
	for (e = environ; *e; e++)
		for (i = 0; i < ENV_COUNT(kept); i++)
			if (strncmp(*e, kept[i], strlen(kept[i])) == 0 && n + 1 < ENV_COUNT(env))
				env[n++] = *e;
	env[n] = NULL;
	return env;
}
