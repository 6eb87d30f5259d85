/*
 * client/common/compositor.c - the compositor's socket, and who listens there.
 */
#include "client/common/compositor.h"

#include <dirent.h>
#include <poll.h>
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

#define SOCKET_LISTENS 0x10000 /* __SO_ACCEPTCON of the kernel's include/uapi/linux/net.h */

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

/* Does a descriptor of the process refer to the socket of that number? */
static bool process_holds(pid_t pid, unsigned long inode)
{
	char path[64], wanted[64], to[64];
	bool holds = false;
	struct dirent *e;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	d = opendir(path);
	while (d && !holds && (e = readdir(d))) {
		n = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = '\0';
		holds = strcmp(to, wanted) == 0;
	}
	if (d)
		closedir(d);
	return holds;
}

/* Does it hold a socket that listens at path?  Their list has the number and the flags of
 * each, and the path as it was bound, in lines "ADDRESS: REFERENCES PROTOCOL FLAGS TYPE STATE
 * INODE PATH" (net/unix/af_unix.c, unix_seq_show). */
static bool process_listens(pid_t pid, const char *path)
{
	FILE *sockets = fopen("/proc/net/unix", "re");
	char line[256 + COMPOSITOR_PATH];
	unsigned long flags, inode;
	bool listens = false;
	int at;

	while (sockets && !listens && fgets(line, sizeof(line), sockets)) {
		line[strcspn(line, "\n")] = '\0';
		at = 0;
		if (sscanf(line, "%*s %*s %*s %lx %*s %*s %lu %n", &flags, &inode, &at) == 2 &&
		    at > 0 && (flags & SOCKET_LISTENS) && strcmp(line + at, path) == 0)
			listens = process_holds(pid, inode);
	}
	if (sockets)
		fclose(sockets);
	return listens;
}

/*
 * Who listens, and is it a session's (1), or not (0)?  -1: that cannot be told.  The kernel keeps
 * the PID of who called listen(2), also when that has ended: the PID may be another's by now, and
 * a program that shared the socket with it goes on.
 */
static int compositor_marked(int fd, const char *path, pid_t *pid)
{
	struct pollfd ended = { .events = POLLIN };
	bool exact;
	uid_t uid;
	int marked;

	*pid = 0;
	if (sock_peer(fd, pid, &uid) != 0 || *pid <= 0)
		return -1;
	ended.fd = sock_peer_pidfd(fd, *pid, &exact);
	marked = proc_marked(*pid);
	if (exact && (ended.fd < 0 || poll(&ended, 1, 0) != 0))
		marked = -1;
	if (!exact && marked == 0 && !process_listens(*pid, path))
		marked = -1;
	if (ended.fd >= 0)
		close(ended.fd);
	return marked;
}

static int compositor_check(int fd, const char *path, struct failure *f)
{
	pid_t pid;
	int marked = compositor_marked(fd, path, &pid);

	if (marked == 0)
		return 0;
	if (marked > 0)
		return fail_set(f, FAIL_PEER,
				"log out and in again, which makes the socket anew; meanwhile on a "
				"text console",
				"process %d listens as the compositor, and descends from a "
				"session: %.200s",
				(int)pid, path);
	return fail_set(f, FAIL_PEER,
			"log out and in again, or be asked on the terminal: pinentry = no, "
			"ccrun.conf(5)",
			"who listens as the compositor cannot be looked at (process %d): %.200s",
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
