/*
 * hook_shell.c - system, popen, pclose and wordexp: libc starts the shell from
 * inside, past the hooks, so a session needs its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shim/preload/preload.h"

#define SHELL "/bin/sh"

extern char **environ;

static int shell(const char *line, pid_t *pid, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attr)
{
	const char *argv[] = {"sh", "-c", "--", line, NULL};
	struct launch l = {.how = HOW_SPAWN, .spawn = real()->posix_spawn, .pid = pid,
			   .actions = actions, .attr = attr,
			   .program = {.path = SHELL, .argv = (char *const *)argv,
				       .envp = environ}};

	return launch(&l);
}

static int reap(pid_t pid)
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
static struct sigaction old_int, old_quit;

static void signals_ignore(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	pthread_mutex_lock(&system_lock);
	if (system_users++ == 0) {
		sigaction(SIGINT, &ignore, &old_int);
		sigaction(SIGQUIT, &ignore, &old_quit);
	}
	pthread_mutex_unlock(&system_lock);
}

static void signals_restore(void)
{
	pthread_mutex_lock(&system_lock);
	if (--system_users == 0) {
		sigaction(SIGINT, &old_int, NULL);
		sigaction(SIGQUIT, &old_quit, NULL);
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
	if (old_int.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (old_quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = shell(line, &pid, NULL, &attr);
	posix_spawnattr_destroy(&attr);
	if (error == 0)
		return reap(pid);
	errno = error;
	return 127 << 8; /* POSIX: as if the shell had exited with 127 */
}

HOOK int system(const char *line)
{
	sigset_t child, mask;
	int status, cancel, error;

	if (!session.active)
		return real()->system(line);
	if (!line)
		return 1;
	/* A thread cancelled in here would leave SIGINT ignored. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	signals_ignore();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &child, &mask);
	status = system_run(line, &mask);
	error = errno;
	signals_restore();
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_setcancelstate(cancel, NULL);
	errno = error;
	return status;
}

/* ---- popen ---- */

struct stream {
	struct stream *next;
	FILE *file;
	pid_t pid;
	int fd;
	ino_t ino; /* of the pipe: fd may be another file's if somebody used fclose */
};

static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stream *streams;

/* Another thread may hold a lock at the instant of a fork; in the child nobody
 * would release it.  The list itself changes by single stores only. */
static void after_fork(void)
{
	static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

	memcpy(&streams_lock, &fresh, sizeof(fresh));
	memcpy(&system_lock, &fresh, sizeof(fresh));
}

void shell_start(void)
{
	pthread_atfork(NULL, NULL, after_fork);
}

static ino_t inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Unlink file's entry (freed by the caller), or NULL. */
static struct stream *stream_take(const FILE *file)
{
	for (struct stream **p = &streams; *p; p = &(*p)->next)
		if ((*p)->file == file) {
			struct stream *s = *p;

			*p = s->next;
			return s;
		}
	return NULL;
}

/* 'r' or 'w', and whether 'e' was there; 0 when mode is no mode of popen's. */
static char mode_of(const char *mode, bool *cloexec)
{
	char way = 0;

	for (; *mode; mode++) {
		if (*mode == 'e')
			*cloexec = true;
		else if ((*mode == 'r' || *mode == 'w') && !way)
			way = *mode;
		else
			return 0;
	}
	return way;
}

/* Start the shell with `theirs` as its standard input or output.  POSIX: the
 * streams of earlier popen calls are closed in it. */
static int popen_start(const char *line, char way, int theirs, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int target = way == 'r' ? STDOUT_FILENO : STDIN_FILENO;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, theirs, target);
	for (struct stream *s = streams; s && !error; s = s->next)
		if (s->fd != target && s->ino == inode(s->fd))
			error = posix_spawn_file_actions_addclose(&actions, s->fd);
	if (!error)
		error = shell(line, pid, &actions, NULL);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Everything is made before the shell is started, so that nothing can fail
 * afterwards. */
static int popen_into(struct stream *s, const char *line, char way, bool cloexec)
{
	int ends[2], ours = way == 'r' ? 0 : 1, error;
	char mode[] = {way, '\0'};

	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	s->fd = ends[ours];
	s->ino = inode(s->fd);
	s->file = fdopen(s->fd, mode);
	if (!s->file) {
		error = errno;
		close(s->fd);
	} else {
		pthread_mutex_lock(&streams_lock);
		free(stream_take(s->file)); /* left behind by a plain fclose */
		error = popen_start(line, way, ends[!ours], &s->pid);
		if (!error) {
			s->next = streams;
			__atomic_store_n(&streams, s, __ATOMIC_RELEASE);
		}
		pthread_mutex_unlock(&streams_lock);
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
	struct stream *s;
	char way;
	int error;

	if (!session.active)
		return real()->popen(line, mode);
	way = mode_of(mode, &cloexec);
	if (!way) {
		errno = EINVAL;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	error = popen_into(s, line, way, cloexec);
	if (error) {
		free(s);
		errno = error;
		return NULL;
	}
	return s->file;
}

/* The same under its old name, which libc still exports. */
HOOK FILE *_IO_popen(const char *line, const char *mode);
HOOK FILE *_IO_popen(const char *line, const char *mode)
{
	return popen(line, mode);
}

HOOK int pclose(FILE *file)
{
	struct stream *s;
	pid_t pid;

	pthread_mutex_lock(&streams_lock);
	s = stream_take(file);
	pthread_mutex_unlock(&streams_lock);
	if (!s)
		return real()->pclose(file);
	pid = s->pid;
	free(s);
	fclose(file);
	return reap(pid);
}

/* ---- wordexp ---- */

/* $(command) would be run by libc from inside, past every hook, with the whole
 * environment: it answers WRDE_CMDSUB in a session. */
HOOK int wordexp(const char *words, wordexp_t *out, int flags)
{
	return real()->wordexp(words, out, session.active ? flags | WRDE_NOCMD : flags);
}
