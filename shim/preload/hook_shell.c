/*
 * hook_shell.c - the hooks on system, popen, pclose and wordexp.  libc's own
 * start the shell by internal calls that no hook catches, so in a session these
 * are done anew here.
 */
#include "shim/preload/hook_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/preload/hook.h"
#include "shim/preload/hooked_call.h"
#include "shim/preload/session_state.h"

#define SHELL "/bin/sh"

/* NOLINTNEXTLINE(readability-non-const-parameter): posix_spawn writes *pid */
static int shell_spawn(const char *line, pid_t *pid, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr)
{
	const char *argv[] = { "sh", "-c", "--", line, NULL };
	struct hooked_call c = {
		.kind = CALL_SPAWN,
		.spawn = libc_functions()->posix_spawn,
		.pid = pid,
		.actions = actions,
		.attr = attr,
		.image = { .path = SHELL, .argv = (char *const *)argv, .envp = environ }
	};

	return hooked_call_run(&c);
}

static int child_reap(pid_t pid)
{
	int status = -1;
	pid_t r;

	while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	return r == pid ? status : -1;
}

/* ---- system ---- */

static pthread_mutex_t system_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned system_users; /* threads in system(); the first ignores, the last restores */
static struct sigaction saved_int, saved_quit;

static void system_signals_ignore(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	pthread_mutex_lock(&system_lock);
	if (system_users++ == 0) {
		sigaction(SIGINT, &ignore, &saved_int);
		sigaction(SIGQUIT, &ignore, &saved_quit);
	}
	pthread_mutex_unlock(&system_lock);
}

static void system_signals_restore(void)
{
	pthread_mutex_lock(&system_lock);
	if (--system_users == 0) {
		sigaction(SIGINT, &saved_int, NULL);
		sigaction(SIGQUIT, &saved_quit, NULL);
	}
	pthread_mutex_unlock(&system_lock);
}

static int system_run(const char *line, const sigset_t *mask)
{
	posix_spawnattr_t attr;
	sigset_t defaults;
	pid_t pid = -1;
	int error;

	sigemptyset(&defaults);
	/* What was ignored before stays ignored in the child. */
	if (saved_int.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (saved_quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = shell_spawn(line, &pid, NULL, &attr);
	posix_spawnattr_destroy(&attr);
	if (error == 0)
		return child_reap(pid);
	errno = error;
	return 127 << 8; /* POSIX: as if the shell had exited with 127 */
}

HOOK int system(const char *line)
{
	sigset_t child, mask;
	int status, cancel, error;

	if (!session.active)
		return libc_functions()->system(line);
	if (!line)
		return 1;
	/* A thread cancelled in here would leave SIGINT ignored. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	system_signals_ignore();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, &mask);
	status = system_run(line, &mask);
	error = errno;
	system_signals_restore();
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_setcancelstate(cancel, NULL);
	errno = error;
	return status;
}

/* ---- popen ---- */

struct popen_stream {
	struct popen_stream *next;
	FILE *file;
	pid_t pid;
	int fd;
	ino_t ino; /* of the pipe: after fclose instead of pclose, fd may be another file */
};

static pthread_mutex_t popen_lock = PTHREAD_MUTEX_INITIALIZER;
static struct popen_stream *popen_streams;

/* Another thread may hold a lock at the moment of a fork; in the child nobody
 * would release it.  The list needs no repair: it changes by single stores. */
static void locks_reset_in_child(void)
{
	static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

	memcpy(&popen_lock, &fresh, sizeof(fresh));
	memcpy(&system_lock, &fresh, sizeof(fresh));
}

void hook_shell_start(void)
{
	pthread_atfork(NULL, NULL, locks_reset_in_child);
}

static ino_t fd_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Take file's entry out of the list; the caller frees it.  NULL: there is none. */
static struct popen_stream *popen_stream_unlink(const FILE *file)
{
	for (struct popen_stream **p = &popen_streams; *p; p = &(*p)->next)
		if ((*p)->file == file) {
			struct popen_stream *s = *p;

			*p = s->next;
			return s;
		}
	return NULL;
}

/* 'r' or 'w', and whether there is an 'e'; 0 when popen knows no such mode. */
static char popen_parse_mode(const char *mode, bool *cloexec)
{
	char direction = 0;

	for (; *mode; mode++) {
		if (*mode == 'e')
			*cloexec = true;
		else if ((*mode == 'r' || *mode == 'w') && !direction)
			direction = *mode;
		else
			return 0;
	}
	return direction;
}

/* Start the shell with `theirs` as its standard input or output.  POSIX: the
 * streams of earlier popen calls are closed in it. */
static int popen_spawn(const char *line, char direction, int theirs, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int target = direction == 'r' ? STDOUT_FILENO : STDIN_FILENO;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, theirs, target);
	for (struct popen_stream *s = popen_streams; s && !error; s = s->next)
		if (s->fd != target && s->ino == fd_inode(s->fd))
			error = posix_spawn_file_actions_addclose(&actions, s->fd);
	if (!error)
		error = shell_spawn(line, pid, &actions, NULL);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Everything else is made before the shell is started: a started shell could not
 * be taken back. */
static int popen_open(struct popen_stream *s, const char *line, char direction, bool cloexec)
{
	int ends[2], ours = direction == 'r' ? 0 : 1, error;
	char mode[] = { direction, '\0' };

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	s->fd = ends[ours];
	s->ino = fd_inode(s->fd);
	s->file = fdopen(s->fd, mode);
	if (!s->file) {
		error = errno;
		close(s->fd);
	} else {
		pthread_mutex_lock(&popen_lock);
		free(popen_stream_unlink(s->file)); /* left by fclose instead of pclose */
		error = popen_spawn(line, direction, ends[!ours], &s->pid);
		if (!error) {
			s->next = popen_streams;
			__atomic_store_n(&popen_streams, s, __ATOMIC_RELEASE);
		}
		pthread_mutex_unlock(&popen_lock);
		if (error)
			fclose(s->file);
		else if (!cloexec)
			fcntl(s->fd, F_SETFD, 0);
	}
	close(ends[!ours]);
	return error;
}

HOOK FILE *popen(const char *line, const char *mode)
{
	bool cloexec = false;
	struct popen_stream *s;
	char direction;
	int error;

	if (!session.active)
		return libc_functions()->popen(line, mode);
	direction = popen_parse_mode(mode, &cloexec);
	if (!direction) {
		errno = EINVAL;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	error = popen_open(s, line, direction, cloexec);
	if (error) {
		free(s);
		errno = error;
		return NULL;
	}
	return s->file;
}

/* popen under its old name, which libc still exports. */
HOOK FILE *_IO_popen(const char *line, const char *mode);
HOOK FILE *_IO_popen(const char *line, const char *mode)
{
	return popen(line, mode); /* NOLINT(cert-env33-c): the hook is popen itself */
}

HOOK int pclose(FILE *file)
{
	struct popen_stream *s;
	pid_t pid;

	pthread_mutex_lock(&popen_lock);
	s = popen_stream_unlink(file);
	pthread_mutex_unlock(&popen_lock);
	if (!s)
		return libc_functions()->pclose(file);
	pid = s->pid;
	free(s);
	fclose(file);
	return child_reap(pid);
}

/* ---- wordexp ---- */

/* libc would run $(command) itself, with the whole environment, and no hook would
 * see it: in a session the answer is WRDE_CMDSUB. */
HOOK int wordexp(const char *words, wordexp_t *out, int flags)
{
	return libc_functions()->wordexp(words, out, session.active ? flags | WRDE_NOCMD : flags);
}
