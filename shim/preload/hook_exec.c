/*
 * hook_exec.c - the hooks on every exec function of libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>
#include "shim/preload/preload.h"

extern char **environ;

static int exec_path(enum how how, const char *path, char *const *argv, char *const *envp)
{
	struct launch l = {.how = how,
			   .program = {.path = path, .argv = argv, .envp = envp}};

	return launch(&l);
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_path(HOW_EXEC, HIDE(path), HIDE(argv), envp);
}

HOOK int execv(const char *path, char *const argv[])
{
	return exec_path(HOW_EXEC, HIDE(path), HIDE(argv), environ);
}

HOOK int execvp(const char *file, char *const argv[])
{
	return exec_path(HOW_SEARCH, HIDE(file), HIDE(argv), environ);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return exec_path(HOW_SEARCH, HIDE(file), HIDE(argv), envp);
}

HOOK int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct launch l = {.how = HOW_AT, .dirfd = dirfd, .flags = flags,
			   .program = {.path = HIDE(path), .argv = HIDE(argv), .envp = envp}};

	return launch(&l);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	struct launch l = {.how = HOW_AT, .dirfd = fd, .flags = AT_EMPTY_PATH,
			   .program = {.path = "", .argv = HIDE(argv), .envp = envp}};

	if (fd < 0 || !l.program.argv || !HIDE(envp)) {
		errno = EINVAL;
		return -1;
	}
	return launch(&l);
}

/* Arguments from first up to the NULL; stored when out is not NULL. */
static size_t gather(const char *first, va_list *more, const char **out)
{
	size_t n = 0;

	for (const char *a = first; a; a = va_arg(*more, const char *), n++)
		if (out)
			out[n] = a;
	if (out)
		out[n] = NULL;
	return n;
}

/* The variadic ones.  env: the argument after the NULL is the environment. */
static int exec_list(enum how how, const char *path, const char *first, va_list *count,
		     va_list *fill, bool env)
{
	size_t size = (gather(first, count, NULL) + 1) * sizeof(char *);
	const char **argv = ROOM(size);
	char *const *envp = environ;
	int r;

	if (!argv)
		return -1;
	gather(first, fill, argv);
	if (env)
		envp = va_arg(*fill, char *const *);
	r = exec_path(how, path, (char *const *)argv, envp);
	room_free(argv, size);
	return r;
}

#define EXEC_LIST(how, path, first, env) \
	do { \
		va_list count, fill; \
		int r; \
		va_start(count, first); \
		va_start(fill, first); \
		r = exec_list(how, HIDE(path), HIDE(first), &count, &fill, env); \
		va_end(fill); \
		va_end(count); \
		return r; \
	} while (0)

HOOK int execl(const char *path, const char *arg, ...)
{
	EXEC_LIST(HOW_EXEC, path, arg, false);
}

HOOK int execlp(const char *file, const char *arg, ...)
{
	EXEC_LIST(HOW_SEARCH, file, arg, false);
}

HOOK int execle(const char *path, const char *arg, ...)
{
	EXEC_LIST(HOW_EXEC, path, arg, true);
}
