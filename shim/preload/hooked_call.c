/*
 * hooked_call.c - the one way from a hook to the kernel (or to libc's
 * posix_spawn): take the secrets out of what the child gets; and when the
 * session's own process executes another image, announce that to the broker.
 */
#include "shim/preload/hooked_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/preload/broker_messages.h"
#include "shim/preload/redact_child.h"
#include "shim/preload/scratch.h"
#include "shim/preload/session_state.h"

#define AGAIN_DEADLINE_MS 2000 /* what an exec may be delayed by a broker that hangs */
#define STALE_ANSWERS_MAX 8

static int call_make(const struct hooked_call *c, const struct exec_image *image)
{
	switch (c->kind) {
	case CALL_SEARCH:
		return exec_image_search(image);
	case CALL_AT:
		return (int)syscall(SYS_execveat, c->dirfd, image->path, image->argv, image->envp,
				    c->flags);
	case CALL_SPAWN:
		return c->spawn(c->pid, image->path, c->actions, c->attr, image->argv, image->envp);
	case CALL_EXEC:
	default:
		return exec_image_path(image);
	}
}

/*
 * Tell the broker that the session's process is about to execute another image,
 * which will claim afresh (`#!/usr/bin/env node`, a shell wrapper's exec).
 */
static bool session_announce_exec(void)
{
	uint8_t packet[1280];
	struct refusal why = { .text = { 0 } };
	int64_t deadline = monotonic_ms() + AGAIN_DEADLINE_MS;
	ssize_t n;

	/* A late answer to an earlier announcement must not count for this one. */
	for (int i = 0; i < STALE_ANSWERS_MAX; i++)
		if (recv(session.fd, packet, sizeof(packet), MSG_DONTWAIT) <= 0)
			break;
	if (broker_send(session.fd, CLAIM_AGAIN, -1, deadline) != 0)
		return false;
	n = broker_receive(session.fd, packet, sizeof(packet), deadline, &why);
	return n >= 0 && broker_check_ok(packet, (size_t)n, &why) == 0;
}

/*
 * Does the session go on in the new image?  Only from its own process; a child
 * never gets it, whatever it runs.  What the kernel would refuse anyhow is not
 * announced either: shells try every directory of PATH.
 */
static bool session_continues(const struct hooked_call *c)
{
	const char *path = c->image.path;

	if (c->kind == CALL_SPAWN || getpid() != session.pid || !path || !session_has_library())
		return false;
	/* A relative path depends on the working directory: a "." in PATH, or a shell
	 * that found a program there, must not hand the session to a repository. */
	if (*path != '/' && !(c->kind == CALL_SEARCH && !strchr(path, '/')) &&
	    !(c->kind == CALL_AT && *path == '\0'))
		return false;
	if (c->kind == CALL_EXEC && access(path, X_OK) != 0)
		return false;
	if (session.fd < 0)
		return true;
	/* A relay knows the session by its process, and needs no word of its images. */
	return session_connected() && (session.relayed || session_announce_exec());
}

/*
 * While they are not close-on-exec, a child that another thread starts would
 * inherit connection and library.  They are worth nothing to it: the broker looks
 * at who sent a message, and only this process may claim; the library is sealed.
 */
static void session_set_inherited(bool inherited)
{
	int error = errno;

	if (session.fd >= 0)
		fcntl(session.fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
	if (session.library >= 0)
		fcntl(session.library, F_SETFD, inherited ? 0 : FD_CLOEXEC);
	errno = error;
}

/* Fail as the caught function does. */
static int call_fail(const struct hooked_call *c, int error)
{
	if (c->kind == CALL_SPAWN)
		return error;
	errno = error;
	return -1;
}

int hooked_call_run(const struct hooked_call *c)
{
	struct exec_image wanted = c->image, clean;
	int error = errno, r;
	size_t size;
	void *mem;

	if (!session.active)
		return call_make(c, &c->image);
	wanted.keeps_session = session_continues(c);
	size = redact_child_size(&wanted);
	mem = SCRATCH(size);
	if (!mem)
		return call_fail(c, ENOMEM);
	if (redact_child(&wanted, mem, size, &clean) != 0) {
		/* Another thread changed the arrays meanwhile. */
		scratch_free(mem, size);
		return call_fail(c, EAGAIN);
	}
	errno = error;
	if (clean.keeps_session)
		session_set_inherited(true);
	r = call_make(c, &clean);
	if (clean.keeps_session)
		session_set_inherited(false);
	scratch_free(mem, size);
	return r;
}
