/*
 * tests/lib/played_relay.c - stands where ccrun-relay does, for played_relay.py.
 *
 * With -DCONTROL="path" -DVAULT="path": it connects there, says what it was started with, and passes on
 * what comes on either side, descriptors too.  Without: it only notices its channel's end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHANNEL 3
#define PACKET 70000
#define MOST 8 /* descriptors beside one packet */

extern char **environ;
static char packet[PACKET];

#ifdef CONTROL

static void add(const char *text)
{
	strncat(packet, text, sizeof(packet) - strlen(packet) - 1);
}

static void add_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	char text[32];
	int fd, first = 1;

	add("{\"fds\": [");
	while (d && (e = readdir(d))) {
		fd = atoi(e->d_name);
		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		snprintf(text, sizeof(text), "%s%d", first ? "" : ", ", fd);
		add(text);
		first = 0;
	}
	if (d)
		closedir(d);
	add("]");
}

/* Nothing here has a character that JSON wants escaped. */
static void add_place(void)
{
	char text[512], path[64], target[256];
	ssize_t n;
	int i;

	snprintf(text, sizeof(text), ", \"cwd\": \"%s\", \"environ\": [",
		 getcwd(target, sizeof(target)));
	add(text);
	for (i = 0; environ[i]; i++) {
		snprintf(text, sizeof(text), "%s\"%.400s\"", i ? ", " : "", environ[i]);
		add(text);
	}
	add("], \"null\": [");
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		snprintf(text, sizeof(text), "%s\"%s\"", i ? ", " : "", target);
		add(text);
	}
	add("]");
}

/* What its keeper's sandbox leaves it, as an errno; 0: it could. */
static void add_tries(void)
{
	char text[128];
	int status = -1, fd = open(VAULT, O_RDONLY), error = fd < 0 ? errno : 0;
	pid_t pid;

	if (fd >= 0)
		close(fd);
	pid = fork();
	if (pid == 0) {
		execl("/usr/bin/true", "true", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	snprintf(text, sizeof(text), ", \"vault\": %d, \"true\": %d}", error, WEXITSTATUS(status));
	add(text);
}

static int pass_on(int from, int to)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(MOST * sizeof(int)) + CMSG_SPACE(64)];
	} got, give;
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &got, .msg_controllen = sizeof(got)
	};
	struct cmsghdr *c, *out = &give.head;
	ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	size_t length = 0;

	if (n <= 0)
		return -1;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			length = c->cmsg_len;
			memcpy(out, c, length);
		}
	iov.iov_len = (size_t)n;
	m.msg_control = length ? &give : NULL;
	m.msg_controllen = length ? CMSG_ALIGN(length) : 0;
	m.msg_flags = 0;
	n = sendmsg(to, &m, MSG_NOSIGNAL);
	for (; length > CMSG_LEN(0); length -= sizeof(int))
		close(((int *)CMSG_DATA(out))[(length - CMSG_LEN(0)) / sizeof(int) - 1]);
	return n < 0 ? -1 : 0;
}

int main(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = CONTROL };
	int test, r = 0;
	struct pollfd p[2];

	/* Before there is a socket of our own among the descriptors. */
	add_fds();
	add_place();
	add_tries();
	test = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(test, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    send(test, packet, strlen(packet), 0) < 0)
		return 1;
	p[0] = (struct pollfd){ .fd = CHANNEL, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = test, .events = POLLIN };
	while (r == 0 && poll(p, 2, -1) > 0) {
		if (p[0].revents)
			r = pass_on(CHANNEL, test);
		if (r == 0 && p[1].revents)
			r = pass_on(test, CHANNEL);
	}
	return 0;
}

#else

int main(void)
{
	while (read(CHANNEL, packet, sizeof(packet)) > 0)
		;
	return 0;
}

#endif
