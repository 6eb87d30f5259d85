/*
 * dial/user_broker.c - reaching the user's own broker, which is started if need be.
 */
#include "dial/user_broker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/mark.h"
#include "base/number.h"
#include "base/paths.h"
#include "base/proc.h"
#include "base/sock.h"
#include "dial/dial.h"
#include "start/broker.h"

#define CONNECT_PATIENCE_MS 5000 /* until a broker that is being started listens */
#define CONNECT_ROUND_MS 250	 /* then start one again */
/* A broker locks the vault, perhaps opens it with a keyfile, and then listens. */
#define LISTEN_PATIENCE_MS 3000
#define ENDING_MS 500

bool socket_has_no_listener(int err)
{
	return err == ENOENT || err == ECONNREFUSED;
}

/*
 * The PID in vault.lock, if that process is a running broker; else 0.  socket (PATH_SIZE
 * bytes, or NULL) = where it says that it listens, or "".
 */
static pid_t vault_holder(char *socket)
{
	char path[PATH_SIZE], *text, *line;
	struct proc_stat st;
	unsigned long number;
	bool is_number;
	size_t n;
	pid_t pid;

	if (socket)
		socket[0] = '\0';
	if (path_of(PATH_DATA, "vault.lock", path, NULL) != 0 ||
	    io_slurp(path, PATH_SIZE + 32, &text, &n, NULL) != 0)
		return 0;
	line = text + strcspn(text, "\n");
	if (*line)
		*line++ = '\0';
	line[strcspn(line, "\n")] = '\0';
	is_number = number_parse(text, 1, INT_MAX, &number);
	if (socket && line[0] == '/')
		snprintf(socket, PATH_SIZE, "%s", line);
	free(text);
	if (!is_number)
		return 0;
	pid = (pid_t)number;
	if (proc_stat(pid, &st) != 0 || strcmp(st.comm, "ccbroker") != 0 || st.state == 'Z')
		return 0;
	return pid;
}

int user_broker_check_hidden(const struct dial *d, struct failure *f)
{
	const int64_t deadline = clock_now_ms() + ENDING_MS;
	const bool reached = d->fd >= 0;

	if (d->system)
		return 0;
	/* The processes of one that is ending have its socket a moment longer. */
	while (sock_listeners(d->path) > (reached ? 1 : 0) && clock_now_ms() < deadline)
		poll(NULL, 0, 20);
	if (clock_now_ms() < deadline)
		return 0;
	return fail_set(
		f, FAIL_BUSY,
		"it locks itself within seconds, unless it is stopped; pgrep -a ccbroker "
		"shows it, and kill -9 ends it and what its sessions hold",
		"%sa broker listens whose socket was %s, until something took that name away",
		reached ? "this broker is locked; " : "", d->path);
}

static int fail_no_broker(const struct dial *d, struct failure *f)
{
	pid_t pid = vault_holder(NULL);

	/* The vault may be unlocked, so "no broker is running" would be wrong. */
	if (pid) {
		fail_set(f, FAIL_BUSY, NULL,
			 "a broker (process %d) holds the vault, but does not listen where this "
			 "program looks",
			 (int)pid);
		fail_hint(f, "use the XDG_RUNTIME_DIR that it was started with, or end it: kill %d",
			  (int)pid);
		return -1;
	}
	/* With a deadline nobody has waited for one that is just starting or ending. */
	if (!d->deadline && user_broker_check_hidden(d, f) != 0)
		return -1;
	return fail_set(f, FAIL_NO_BROKER, "ccctl unlock starts one", "no broker is running");
}

/* MUST: no other user can write the socket's directory, or put another socket there. */
static int check_socket_dir(const char *socket, struct failure *f)
{
	char dir[PATH_SIZE];
	char *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", socket);
	slash = strrchr(dir, '/');
	*slash = '\0';
	fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/*
 * Connect to the broker that holds the vault where it says that it listens: it may have
 * been started with another XDG_RUNTIME_DIR, or have lost the directory that it had.
 * d->path is that then.  -1 with errno: none listens there.
 */
static int connect_elsewhere(struct dial *d)
{
	char path[PATH_SIZE];
	int fd, why = errno;

	if (!vault_holder(path) || !path[0] || strcmp(path, d->path) == 0 ||
	    access(path, F_OK) != 0 || check_socket_dir(path, NULL) != 0) {
		errno = why;
		return -1;
	}
	fd = sock_connect(path, NULL);
	if (fd >= 0)
		snprintf(d->path, sizeof(d->path), "%s", path);
	return fd;
}

/* Where clients look, or where the vault's holder says.  -1 with errno. */
static int connect_anywhere(struct dial *d, struct failure *f)
{
	int fd = sock_connect(d->path, f);

	return fd >= 0 || !socket_has_no_listener(errno) ? fd : connect_elsewhere(d);
}

/* Start a broker, or wait for one that another program is starting, and connect. */
static int connect_to_started(struct dial *d, struct failure *f)
{
	int64_t deadline = clock_now_ms() + CONNECT_PATIENCE_MS, round;
	int fd;

	if (proc_self_marked() &&
	    (proc_mark_is_foreign(getpid()) || !mark_is_inside(getpid(), NULL, NULL)))
		return mark_refuse(getpid(), false, f);
	if (proc_self_marked())
		return fail_set(
			f, FAIL_MARKED, "run it outside the session, in another terminal",
			"no broker is running, and a process inside a session may not start one");
	/* broker_start succeeds, too, when another broker holds the vault: that one may
	 * be about to listen, or about to end. */
	do {
		if (broker_start(f) != 0)
			return -1;
		for (round = clock_now_ms() + CONNECT_ROUND_MS; clock_now_ms() < round;
		     poll(NULL, 0, 5)) {
			fd = connect_anywhere(d, f);
			if (fd >= 0 || !socket_has_no_listener(errno))
				return fd;
		}
	} while (clock_now_ms() < deadline);
	return fail_set(f, FAIL_NO_BROKER,
			"end it, or set XDG_RUNTIME_DIR to what it was started with",
			"a broker holds the vault but does not listen on %s", d->path);
}

int socket_connect(struct dial *d, struct failure *f)
{
	int64_t left;

	if (!d->deadline)
		return sock_connect(d->path, f);
	left = d->deadline - clock_now_ms();
	if (left > 0)
		return sock_connect_within(d->path, (int)left, f);
	errno = ETIMEDOUT;
	return fail_errno(f, NULL, "connect to %s", d->path);
}

/* A broker that holds the vault may be about to listen, again; one that listens since we looked, to
 * be reached; one that ends, to let its socket go: wait for it.  -1 with errno. */
static int connect_to_holder(struct dial *d, struct failure *f)
{
	int64_t deadline = clock_now_ms() + LISTEN_PATIENCE_MS;
	int fd, why;

	do {
		fd = connect_anywhere(d, f);
		if (fd >= 0 || !socket_has_no_listener(errno))
			return fd;
		why = errno;
		if (!vault_holder(NULL) && sock_listeners(d->path) == 0) {
			errno = why;
			return -1;
		}
		poll(NULL, 0, 10);
	} while (clock_now_ms() < deadline);
	errno = ENOENT;
	return -1;
}

int user_broker_open(struct dial *d, bool start, struct failure *f)
{
	if (path_check_own(PATH_DATA, f) != 0 ||
	    path_of(PATH_RUNTIME, "broker.sock", d->path, f) != 0)
		return -1;
	if (start && check_socket_dir(d->path, f) != 0)
		return -1;
	d->start = start;
	d->fd = start || d->deadline ? socket_connect(d, f) : connect_to_holder(d, f);
	if (d->fd < 0 && socket_has_no_listener(errno))
		d->fd = connect_elsewhere(d);
	/* Now it exists: a broker that is being started makes it. */
	if (d->fd >= 0 && check_socket_dir(d->path, f) != 0)
		return -1;
	if (d->fd < 0 && socket_has_no_listener(errno))
		d->fd = start ? connect_to_started(d, f) : fail_no_broker(d, f);
	return d->fd < 0 ? -1 : 0;
}
