/*
 * exec_image.h - what is to be executed, and the exec functions that take it.
 */
#ifndef SHIM_PRELOAD_EXEC_IMAGE_H
#define SHIM_PRELOAD_EXEC_IMAGE_H

#include <stdbool.h>

/* argv and envp may be NULL, as the kernel allows. */
struct exec_image {
	const char *path; /* a name to search in PATH for exec_image_search */
	char *const *argv;
	char *const *envp;
	bool keeps_session; /* the session goes on in it: it gets library and connection */
};

/* execve(2), the system call itself.  -1 with errno. */
int exec_image_path(const struct exec_image *image);

/*
 * execvpe(3), with two differences: PATH is the environ's of this process without
 * the program's own getenv, and an image that keeps the session is not taken
 * from a relative directory of PATH.  -1 with errno.
 */
int exec_image_search(const struct exec_image *image);

#endif
