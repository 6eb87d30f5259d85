/*
 * broker/ready.c - the readiness of sd_notify(3).
 */
#include "broker/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/proc.h"

static int ends[2] = { -1, -1 }; /* of a pipe, from the process that serves */

/* A manager that does not hear it ends the unit when its patience is over. */
static void manager_notify(const char *path, const char *state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	int fd;

	memcpy(sa.sun_path, path, strlen(path));
	if (sa.sun_path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa, size);
	close(fd);
}

/* In the process that waits.  It is told nothing by one that does not get so far. */
static void ready_pass_on(void)
{
	char byte;
	ssize_t n;

	if (ends[0] < 0)
		return;
	close(ends[1]);
	do
		n = read(ends[0], &byte, 1);
	while (n < 0 && errno == EINTR);
	close(ends[0]);
	if (n == 1)
		manager_notify(getenv("NOTIFY_SOCKET"), "READY=1");
}

int ready_prepare(struct failure *f)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(sa.sun_path))
		return 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail_errno(f, NULL, "pipe");
	proc_on_waiting(ready_pass_on);
	return 0;
}

void ready_tell(void)
{
	ssize_t n;

	if (ends[1] < 0)
		return;
	close(ends[0]);
	do
		n = write(ends[1], "r", 1);
	while (n < 0 && errno == EINTR);
	close(ends[1]);
}
