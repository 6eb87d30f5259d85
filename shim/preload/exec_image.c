/*
 * exec_image.c - execve and execvpe, as libc does them.
 *
 * The system calls are made directly, so that nothing needs to be resolved in a
 * vfork child.
 */
#include "shim/preload/exec_image.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/preload/scratch.h"

#define SHELL "/bin/sh"
#define DEFAULT_PATH "/bin:/usr/bin" /* libc's, when PATH is unset */

static int exec_system_call(const char *path, char *const *argv, char *const *envp)
{
	return (int)syscall(SYS_execve, path, argv, envp);
}

int exec_image_path(const struct exec_image *image)
{
	return exec_system_call(image->path, image->argv, image->envp);
}

/*
 * execvpe gives a file in no known format to the shell.  Not inlined, so that the
 * stack is given back before the next directory is tried.
 */
__attribute__((noinline)) static int exec_script(const char *path, char *const *argv,
						 char *const *envp)
{
	size_t n = 0, size;
	const char **args;
	int r;

	while (argv && argv[n])
		n++;
	size = (n + 3) * sizeof(*args);
	args = SCRATCH(size);
	if (!args)
		return -1;
	args[0] = SHELL;
	args[1] = path;
	if (n > 1)
		memcpy(args + 2, argv + 1, (n - 1) * sizeof(*args));
	args[n > 1 ? n + 1 : 2] = NULL;
	r = exec_system_call(SHELL, (char *const *)args, envp);
	scratch_free(args, size);
	return r;
}

static int exec_file_or_script(const char *path, const struct exec_image *image)
{
	int r = exec_system_call(path, image->argv, image->envp);

	if (errno == ENOEXEC)
		r = exec_script(path, image->argv, image->envp);
	return r;
}

/* Go on to the next directory after this error? */
static bool search_continues(int error)
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

/* PATH of environ; not by getenv, which the program may have replaced. */
static const char *environ_path(void)
{
	for (char **e = environ; e && *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			return *e + 5;
	return DEFAULT_PATH;
}

int exec_image_search(const struct exec_image *image)
{
	const char *file = image->path, *path;
	size_t file_len = strnlen(file, NAME_MAX + 1);
	char name[PATH_MAX + NAME_MAX + 2];
	bool denied = false;

	if (*file == '\0') {
		errno = ENOENT;
		return -1;
	}
	if (strchr(file, '/'))
		return exec_file_or_script(file, image);
	if (file_len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (path = environ_path();; path++) {
		const char *end = strchrnul(path, ':');
		size_t n = (size_t)(end - path);

		/* A program in a repository's directory must not get the session. */
		if (n < PATH_MAX && (!image->keeps_session || *path == '/')) {
			memcpy(name, path, n);
			if (n > 0)
				name[n++] = '/'; /* an empty element is the working directory */
			memcpy(name + n, file, file_len + 1);
			exec_file_or_script(name, image);
			if (!search_continues(errno))
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
