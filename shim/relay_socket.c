/*
 * shim/relay_socket.c - making a listening socket without a name.
 */
#include "shim/relay_socket.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "base/sock.h"

#define BACKLOG 128    /* a client opens a dozen connections at once */
#define PLACE_LEAST 20 /* scripts use the numbers below 10, shells those above */

static int socket_make(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* fchmod before bind: the file has the mode from the start, whatever the umask. */
	if (fd >= 0 && fchmod(fd, 0600) == 0 && sock_prepare_listener(fd) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Bind, by the directory's descriptor: the directory's own path may be too long. */
static int socket_bind(int fd, int dir, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dir, name);
	return bind(fd, (struct sockaddr *)&at, sizeof(at));
}

/* Listen at name in dir, open that place, and remove the name.  0 or -1 with errno. */
static int socket_place(struct relay_socket *s, int dir, const char *name)
{
	int fd;

	if (socket_bind(s->listener, dir, name) != 0)
		return -1;
	fd = listen(s->listener, BACKLOG) != 0 ? -1
					       : openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		s->place = fcntl(fd, F_DUPFD_CLOEXEC, PLACE_LEAST);
		close(fd);
	}
	return unlinkat(dir, name, 0) != 0 || s->place < 0 ? -1 : 0;
}

int relay_socket_open(struct relay_socket *s, struct failure *f)
{
	char path[PATH_SIZE], name[64];
	uint64_t random;
	int dir = -1;

	s->listener = s->place = -1;
	if (path_of(PATH_RUNTIME, NULL, path, f) != 0)
		return -1;
	dir = path_private_dir(path, f);
	if (dir < 0)
		return -1;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random)) {
		fail_errno(f, NULL, "getrandom");
		goto bad;
	}
	snprintf(name, sizeof(name), "relay-%016" PRIx64, random);
	s->listener = socket_make();
	if (s->listener < 0 || socket_place(s, dir, name) != 0) {
		fail_errno(f, NULL, "cannot make a socket for the relay in %s", path);
		goto bad;
	}
	close(dir);
	return 0;
bad:
	relay_socket_close(s);
	close(dir);
	return -1;
}

void relay_socket_close(struct relay_socket *s)
{
	if (s->listener >= 0)
		close(s->listener);
	if (s->place >= 0)
		close(s->place);
	s->listener = s->place = -1;
}
