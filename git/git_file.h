/*
 * git/git_file.h - opening files in a .git directory, all of which may
 * have been written by an attacker: regular files only, reads of bounded size.
 */
#ifndef GIT_GIT_FILE_H
#define GIT_GIT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stat;

#define GIT_PATH 4096 /* bytes of a path with its NUL, as PATH_MAX */

/* out (GIT_PATH bytes) = dir/name, or name when that is absolute.  false: too long. */
bool git_path_join(char *out, const char *dir, const char *name);

/*
 * Open dir/name for reading, without blocking, if it is a regular file.  follow:
 * a symbolic link to one, too (else -1 with ELOOP).  Returns the descriptor, with
 * st filled by fstat(2), or -1 with errno (EINVAL: not a regular file).
 */
int git_file_open(const char *dir, const char *name, bool follow, struct stat *st);

/*
 * Read at most size - 1 bytes from the beginning of dir/name into buf and end
 * them with NUL.  Returns their number, or -1 with errno as git_file_open.
 */
ssize_t git_file_read(const char *dir, const char *name, bool follow, char *buf, size_t size);

/*
 * Read the first line, without white space at its end, into buf (size bytes).
 * false: no such file, an empty line, or the line is longer.
 */
bool git_file_read_line(const char *dir, const char *name, bool follow, char *buf, size_t size);

#endif
