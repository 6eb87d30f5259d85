/*
 * broker/listener.c - listening, and listening again where the socket has gone.
 */
#include "broker/listener.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fail.h"
#include "base/io.h"
#include "base/paths.h"
#include "base/sock.h"
#include "broker/attendant.h"
#include "broker/broker.h"
#include "sandbox/cage.h"
#include "sandbox/deny_list.h"
#include "sandbox/landlock.h"

#define LOOK_MS 1000	/* how often the broker looks at its socket */
#define AGAIN_MS 2000	/* after a request, before the next one */
#define HIDDEN_MS 15000 /* several requests: on a busy machine the first may be answered late */

/* To one of the attendant's: a listening socket comes beside it, or error says why not. */
struct listener_answer {
	int32_t error;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static int to_attendant = -1;

/* ---- the attendant ---- */

/* Where clients look, as things are now.  A descriptor, or -1. */
static int listen_where_clients_look(char *path, struct failure *f)
{
	char dir[PATH_SIZE];
	int fd;

	if (path_of(PATH_RUNTIME, NULL, dir, f) != 0 ||
	    path_of(PATH_RUNTIME, "broker.sock", path, f) != 0)
		return -1;
	fd = path_private_dir(dir, f);
	if (fd < 0)
		return -1;
	close(fd);
	return sock_listen(path, 0600, LISTEN_BACKLOG, f);
}

static void path_cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

#define LISTENER_PATHS 3
#define MAKE_SOCKETS (LANDLOCK_READ | LANDLOCK_MAKE_DIR | LANDLOCK_LISTEN | LANDLOCK_REMOVE)

/*
 * Sockets and directories, where clients may look: in $XDG_RUNTIME_DIR, which is gone and
 * made again as a whole, so the rule is for the directory that it is in; below
 * /run/user; and in STATE/ccrun.
 */
static int enter_listener_sandbox(void *unused)
{
	char runtime[PATH_SIZE], state[PATH_SIZE];
	struct landlock_path paths[LISTENER_PATHS];
	struct landlock_rules rules = { .paths = paths, .limit_ports = true };
	size_t n = 0;

	(void)unused;
	paths[n++] = (struct landlock_path){ .path = "/run/user", .may = MAKE_SOCKETS };
	if (path_of(PATH_STATE, NULL, state, NULL) == 0)
		paths[n++] = (struct landlock_path){ .path = state, .may = MAKE_SOCKETS };
	if (path_of(PATH_RUNTIME, NULL, runtime, NULL) == 0) {
		path_cut(runtime);
		path_cut(runtime);
		if (runtime[0])
			paths[n++] = (struct landlock_path){ .path = runtime, .may = MAKE_SOCKETS };
	}
	rules.path_count = n;
	return cage_enter(&rules, DENY_EXEC | DENY_NETWORK | DENY_SIGNALS, NULL);
}

static void serve_broker(void *unused)
{
	char request, path[PATH_SIZE];
	struct listener_answer answer;
	struct iovec iov = { &answer, sizeof(answer) };
	int fd, sent;

	(void)unused;
	while (recv(ATTENDANT_FD, &request, 1, 0) == 1) {
		memset(&answer, 0, sizeof(answer));
		errno = 0;
		fd = listen_where_clients_look(path, NULL);
		answer.error = fd >= 0 ? 0 : errno ? errno : EINVAL;
		/* sock_listen takes no longer ones. */
		if (fd >= 0)
			memcpy(answer.path, path, strnlen(path, sizeof(answer.path) - 1));
		sent = sock_send(ATTENDANT_FD, &iov, 1, fd);
		if (fd >= 0)
			close(fd);
		if (sent != 0)
			break;
	}
}

int listener_start(struct failure *f)
{
	const struct attendant listener = { .name = "ccrun-listener",
					    .enter = enter_listener_sandbox,
					    .serve = serve_broker,
					    .keep = -1 };

	to_attendant = attendant_start(&listener, f);
	return to_attendant < 0 ? -1 : 0;
}

/* ---- the broker ---- */

/* Clients take the owner of SYSTEM_RUN_DIR for the system broker (its parent is
 * root's), so it must be this uid. */
static int listen_as_system(char *path, struct failure *f)
{
	struct stat st;

	if (lstat(SYSTEM_RUN_DIR, &st) != 0)
		return fail_errno(f, "install -d -o ccrun -g ccrun -m 755 " SYSTEM_RUN_DIR,
				  SYSTEM_RUN_DIR);
	if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 022))
		return fail_set(f, FAIL_UNSAFE_PATH,
				"install -d -o ccrun -g ccrun -m 755 " SYSTEM_RUN_DIR,
				SYSTEM_RUN_DIR " is not a directory of uid %u that only it writes",
				(unsigned)getuid());
	snprintf(path, PATH_SIZE, "%s", SYSTEM_SOCKET);
	return sock_listen(path, 0666, LISTEN_BACKLOG, f);
}

/* Of a service manager's socket; "" when it cannot be told. */
static void inherited_path(int fd, char *path)
{
	struct sockaddr_un sa = { 0 };
	socklen_t n = sizeof(sa);

	path[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&sa, &n) == 0 && sa.sun_path[0] == '/')
		snprintf(path, PATH_SIZE, "%.*s", (int)sizeof(sa.sun_path), sa.sun_path);
}

/* The file at b->socket is the present listener's. */
static int listener_note(struct broker *b, struct failure *f)
{
	if (lstat(b->socket, &b->socket_file) != 0)
		return fail_errno(f, NULL, "%s", b->socket);
	return b->system ? 0 : store_say_socket(&b->tenant[0].store, b->socket, f);
}

int listener_open(struct broker *b, int inherited, struct failure *f)
{
	char path[PATH_SIZE];

	if (inherited >= 0) {
		b->listener = inherited;
		inherited_path(inherited, path);
		return b->system ? 0 : store_say_socket(&b->tenant[0].store, path, f);
	}
	b->listener = b->system ? listen_as_system(b->socket, f)
				: listen_where_clients_look(b->socket, f);
	if (b->listener < 0) {
		/* What is there is another's: stop_broker must not remove it. */
		b->socket[0] = '\0';
		return -1;
	}
	return listener_note(b, f);
}

static bool listener_is_lost(const struct broker *b)
{
	struct stat st;

	return lstat(b->socket, &st) != 0 || st.st_ino != b->socket_file.st_ino ||
	       st.st_dev != b->socket_file.st_dev;
}

/* An answer to an earlier request, if it is there: a listener, or -1. */
static int take_answer(struct broker *b)
{
	struct listener_answer answer;
	struct sock_control beside;
	ssize_t n = sock_recv(to_attendant, &answer, sizeof(answer), MSG_DONTWAIT, &beside);

	if (n != (ssize_t)sizeof(answer) || answer.error != 0 || beside.fd < 0) {
		if (n >= 0)
			sock_control_close(&beside);
		return -1;
	}
	answer.path[sizeof(answer.path) - 1] = '\0';
	snprintf(b->socket, sizeof(b->socket), "%s", answer.path);
	/* Where it cannot be noted (a full disk), clients that look there find it. */
	listener_note(b, NULL);
	return beside.fd;
}

int listener_renew(struct broker *b)
{
	static int64_t next_look, next_request;
	int64_t now = clock_now_ms();
	static char word; /* what it is asked does not matter: there is one request */
	struct iovec request = { &word, 1 };
	int fd;

	if (b->system || !b->socket[0] || to_attendant < 0 || now < next_look)
		return -1;
	next_look = now + LOOK_MS;
	if (!listener_is_lost(b))
		return -1;
	fd = take_answer(b);
	if (fd < 0 && now >= next_request) {
		next_request = now + AGAIN_MS;
		sock_send_nonblock(to_attendant, &request, 1);
	}
	return fd;
}

bool listener_is_hidden(const struct broker *b)
{
	static int64_t next_look, lost_ms;
	int64_t now = clock_now_ms();

	if (b->system || now < next_look || !control_active(CONTROL_HIDDEN))
		return false;
	next_look = now + LOOK_MS;
	if (!store_lock_is_there(&b->tenant[0].store))
		return true;
	/* A service manager's socket is its own to look after. */
	if (!b->socket[0] || !listener_is_lost(b))
		lost_ms = 0;
	else if (lost_ms == 0)
		lost_ms = now;
	return lost_ms && now - lost_ms > HIDDEN_MS;
}
