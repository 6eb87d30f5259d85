/*
 * hooked_call.c - the one way from a hook to the kernel (or to libc's posix_spawn):
 * strip, and for an exec by the session's own process, announce it.
 *
 * The exec system calls are made directly, so that nothing needs resolving in
 * a vfork child, and with libc's path search done here as libc does it.  In a
 * process without a session all this is what libc does.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "shim/preload/preload.h"
#include "wire/claim.h"

#define SHELL "/bin/sh"
#define DEFAULT_PATH "/bin:/usr/bin" /* libc's, when PATH is unset */

void *room_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		return p;
	errno = ENOMEM;
	return NULL;
}

void room_free(void *mem, size_t size)
{
	int error = errno;

	if (mem && size > STACK_ROOM)
		munmap(mem, size);
	errno = error;
}

static int exec(const char *path, char *const *argv, char *const *envp)
{
	return (int)syscall(SYS_execve, path, argv, envp);
}

/* A file that is no program: the shell's.  Its own frame, so that the room is
 * given back before the next directory is tried. */
__attribute__((noinline)) static int exec_script(const char *path, char *const *argv,
						  char *const *envp)
{
	size_t n = 0, size;
	const char **args;
	int r;

	while (argv && argv[n])
		n++;
	size = (n + 3) * sizeof(*args);
	args = ROOM(size);
	if (!args)
		return -1;
	args[0] = SHELL;
	args[1] = path;
	if (n > 1)
		memcpy(args + 2, argv + 1, (n - 1) * sizeof(*args));
	args[n > 1 ? n + 1 : 2] = NULL;
	r = exec(SHELL, (char *const *)args, envp);
	room_free(args, size);
	return r;
}

static int exec_or_script(const char *path, const struct program *p)
{
	int r = exec(path, p->argv, p->envp);

	if (errno == ENOEXEC)
		r = exec_script(path, p->argv, p->envp);
	return r;
}

/* Go on to the next directory after this error? */
static bool try_next(int error)
{
	switch (error) {
	case EACCES:
	case ENOENT:
	case ESTALE:
	case ENOTDIR:
	case ENODEV:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* execvpe(3). */
static int search(const struct program *p)
{
	const char *file = p->path, *path = environ_value("PATH");
	size_t file_len = strnlen(file, NAME_MAX + 1);
	char name[PATH_MAX + NAME_MAX + 2];
	bool denied = false;

	if (*file == '\0') {
		errno = ENOENT;
		return -1;
	}
	if (strchr(file, '/'))
		return exec_or_script(file, p);
	if (file_len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (path = path ? path : DEFAULT_PATH;; path++) {
		const char *end = strchrnul(path, ':');
		size_t n = (size_t)(end - path);

		/* What a repository's directory offers does not get the session. */
		if (n < PATH_MAX && (!p->carry || *path == '/')) {
			memcpy(name, path, n);
			if (n > 0)
				name[n++] = '/'; /* an empty element is the working directory */
			memcpy(name + n, file, file_len + 1);
			exec_or_script(name, p);
			if (!try_next(errno))
				return -1;
			denied |= errno == EACCES;
		}
		path = end;
		if (*path == '\0')
			break;
	}
	if (denied)
		errno = EACCES;
	return -1;
}

static int run(const struct launch *l, const struct program *p)
{
	switch (l->how) {
	case HOW_SEARCH:
		return search(p);
	case HOW_AT:
		return (int)syscall(SYS_execveat, l->dirfd, p->path, p->argv, p->envp, l->flags);
	case HOW_SPAWN:
		return l->spawn(l->pid, p->path, l->actions, l->attr, p->argv, p->envp);
	case HOW_EXEC:
	default:
		return exec(p->path, p->argv, p->envp);
	}
}

/*
 * Tell the broker that the session's process is about to become another image,
 * which will claim afresh (`#!/usr/bin/env node`, a shell wrapper's exec).
 */
static bool announce(void)
{
	uint8_t packet[1280];
	struct trouble t = {.text = {0}};
	int64_t deadline = now_ms() + AGAIN_DEADLINE_MS;
	ssize_t n;

	/* An answer that came too late for an earlier try is no answer to this. */
	for (int stale = 0; stale < 8; stale++)
		if (recv(session.fd, packet, sizeof(packet), MSG_DONTWAIT) <= 0)
			break;
	if (talk_send(session.fd, CLAIM_AGAIN, -1, deadline) != 0)
		return false;
	n = talk_recv(session.fd, packet, sizeof(packet), deadline, &t);
	return n >= 0 && talk_ok_empty(packet, (size_t)n, &t) == 0;
}

/*
 * Does the session go on in the new image?  Only from its own process; a child
 * is never announced, whatever it runs.  What the kernel would refuse anyhow
 * is not announced either: shells try every directory of PATH.
 */
static bool carries(const struct launch *l)
{
	const char *path = l->program.path;

	if (l->how == HOW_SPAWN || !session.preload || getpid() != session.pid || !path)
		return false;
	/* A relative path is the working directory's: a PATH with "." in it, or a
	 * shell that found one there, must not hand the session to a repository. */
	if (*path != '/' && !(l->how == HOW_SEARCH && !strchr(path, '/')) &&
	    !(l->how == HOW_AT && *path == '\0'))
		return false;
	if (l->how == HOW_EXEC && access(path, X_OK) != 0)
		return false;
	return session.fd < 0 || (session_connected() && announce());
}

/*
 * While the connection is not close-on-exec, a child that another thread
 * starts would inherit it.  That descriptor is worth nothing to it: the broker
 * looks at who sent a message, and only this process may claim.
 */
static void connection_inherits(bool yes)
{
	int error = errno;

	if (session.fd >= 0)
		fcntl(session.fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
	errno = error;
}

static int failed(const struct launch *l, int error)
{
	if (l->how == HOW_SPAWN)
		return error;
	errno = error;
	return -1;
}

int launch(const struct launch *l)
{
	struct program wanted = l->program, clean;
	int error = errno, r;
	size_t size;
	void *mem;

	if (!session.active)
		return run(l, &l->program);
	wanted.carry = carries(l);
	size = strip_size(&wanted);
	mem = ROOM(size);
	if (!mem)
		return failed(l, ENOMEM);
	if (strip(&wanted, mem, size, &clean) != 0) {
		/* Another thread changed the arrays under us. */
		room_free(mem, size);
		return failed(l, EAGAIN);
	}
	errno = error;
	if (clean.carry)
		connection_inherits(true);
	r = run(l, &clean);
	if (clean.carry)
		connection_inherits(false);
	room_free(mem, size);
	return r;
}
