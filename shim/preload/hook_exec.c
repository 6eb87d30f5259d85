/*
 * hook_exec.c - the hooks on every exec function of libc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "shim/preload/hook.h"
#include "shim/preload/hooked_call.h"
#include "shim/preload/scratch.h"

static int exec_hooked(enum call_kind kind, const char *path, char *const *argv, char *const *envp)
{
	struct hooked_call c = { .kind = kind,
				 .image = { .path = path, .argv = argv, .envp = envp } };

	return hooked_call_run(&c);
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_hooked(CALL_EXEC, HIDE(path), HIDE(argv), envp);
}

HOOK int execv(const char *path, char *const argv[])
{
	return exec_hooked(CALL_EXEC, HIDE(path), HIDE(argv), environ);
}

HOOK int execvp(const char *file, char *const argv[])
{
	return exec_hooked(CALL_SEARCH, HIDE(file), HIDE(argv), environ);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return exec_hooked(CALL_SEARCH, HIDE(file), HIDE(argv), envp);
}

HOOK int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	struct hooked_call c = { .kind = CALL_AT,
				 .dirfd = dirfd,
				 .flags = flags,
				 .image = {
					 .path = HIDE(path), .argv = HIDE(argv), .envp = envp } };

	return hooked_call_run(&c);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
	struct hooked_call c = { .kind = CALL_AT,
				 .dirfd = fd,
				 .flags = AT_EMPTY_PATH,
				 .image = { .path = "", .argv = HIDE(argv), .envp = envp } };

	if (fd < 0 || !c.image.argv || !HIDE(envp)) {
		errno = EINVAL;
		return -1;
	}
	return hooked_call_run(&c);
}

/* Arguments from first up to the NULL; stored when out is not NULL. */
static size_t arguments_gather(const char *first, va_list *more, const char **out)
{
	size_t n = 0;

	for (const char *a = first; a; a = va_arg(*more, const char *), n++)
		if (out)
			out[n] = a;
	if (out)
		out[n] = NULL;
	return n;
}

/*
 * The variadic functions: count and fill are the arguments behind first, twice.
 * env: the argument after the NULL is the environment.
 */
static int exec_hooked_list(enum call_kind kind, const char *path, const char *first,
			    va_list *count, va_list *fill, bool env)
{
	size_t size = (arguments_gather(first, count, NULL) + 1) * sizeof(char *);
	const char **argv = SCRATCH(size);
	char *const *envp = environ;
	int r;

	if (!argv)
		return -1;
	arguments_gather(first, fill, argv);
	if (env)
		envp = va_arg(*fill, char *const *);
	r = exec_hooked(kind, path, (char *const *)argv, envp);
	scratch_free(argv, size);
	return r;
}

#define EXEC_HOOKED_LIST(kind, path, first, env)                                         \
	do {                                                                             \
		va_list count, fill;                                                     \
		int r;                                                                   \
		va_start(count, first);                                                  \
		va_start(fill, first);                                                   \
		r = exec_hooked_list(kind, HIDE(path), HIDE(first), &count, &fill, env); \
		va_end(fill);                                                            \
		va_end(count);                                                           \
		return r;                                                                \
	} while (0)

HOOK int execl(const char *path, const char *arg, ...)
{
	EXEC_HOOKED_LIST(CALL_EXEC, path, arg, false);
}

HOOK int execlp(const char *file, const char *arg, ...)
{
	EXEC_HOOKED_LIST(CALL_SEARCH, file, arg, false);
}

HOOK int execle(const char *path, const char *arg, ...)
{
	EXEC_HOOKED_LIST(CALL_EXEC, path, arg, true);
}
