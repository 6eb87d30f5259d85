/*
 * client/common/compositor.c - the compositor's socket, and who listens there.
 */
#include "client/common/compositor.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"
#include "base/sock.h"

/* As libwayland finds it.  false: nothing says where. */
static bool compositor_path(char path[COMPOSITOR_PATH])
{
	const char *name = getenv("WAYLAND_DISPLAY"), *dir = getenv("XDG_RUNTIME_DIR");
	int n;

	if (!name || !*name)
		return false;
	if (name[0] != '/' && (!dir || dir[0] != '/'))
		return false;
	n = name[0] == '/' ? snprintf(path, COMPOSITOR_PATH, "%s", name)
			   : snprintf(path, COMPOSITOR_PATH, "%s/%s", dir, name);
	return n < COMPOSITOR_PATH;
}

/* A connection, or -1: nobody listens there. */
static int compositor_dial(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -1;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int compositor_check(int fd, const char *path, struct failure *f)
{
	pid_t pid = 0;
	uid_t uid;
	int marked = sock_peer(fd, &pid, &uid) == 0 && pid > 0 ? proc_marked(pid) : -1;

	if (marked == 0)
		return 0;
	return fail_set(f, FAIL_PEER,
			"log out and in again, which makes the socket anew; meanwhile on a text "
			"console",
			marked > 0 ? "process %d listens as the compositor, and descends from a "
				     "session: %.200s"
				   : "who listens as the compositor cannot be looked at (process "
				     "%d): %.200s",
			(int)pid, path);
}

int compositor_connect(char path[COMPOSITOR_PATH], int *fd, struct failure *f)
{
	*fd = compositor_path(path) ? compositor_dial(path) : -1;
	if (*fd < 0 || compositor_check(*fd, path, f) == 0)
		return 0;
	close(*fd);
	*fd = -1;
	return -1;
}
