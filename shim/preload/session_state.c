/*
 * session_state.c - what this process knows of the session that it is in.
 */
#include "shim/preload/session_state.h"

#include <sys/stat.h>

struct session_state session = { .fd = -1, .library = -1 };

static bool fd_is(int fd, dev_t dev, ino_t ino)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

bool session_connected(void)
{
	return fd_is(session.fd, session.dev, session.ino);
}

bool session_has_library(void)
{
	return session.preload &&
	       (session.library < 0 ||
		fd_is(session.library, session.library_dev, session.library_ino));
}
