/*
 * base/io.h - bounded input and output with deadlines, small files as a whole, and
 * wiping.  Deadlines are values of clock_now_ms().
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "base/clock.h"

struct failure;
struct stat;

/*
 * Wait until fd has one of `events` (poll(2)).  Returns 1: ready; 0: the deadline
 * passed; -1 with errno.
 */
int io_wait(int fd, short events, int64_t deadline);

/* Write all n bytes.  Returns 0, or -1 with errno (ETIMEDOUT at the deadline). */
int io_write_all(int fd, const void *buf, size_t n, int64_t deadline);

/*
 * Read fd to its end, into buf (max bytes).  Returns the length, or -1 with errno
 * (EFBIG: there was more; ETIMEDOUT at the deadline).
 */
ssize_t io_read_all(int fd, void *buf, size_t max, int64_t deadline);

/*
 * Read n bytes of a regular file from there on, or as many as it has: one read may give less.
 * Returns how many, or -1 with errno.
 */
ssize_t io_read_at(int fd, void *buf, size_t n, off_t at);

/* The same of a file that is so long, from its beginning: without the read that finds its end. */
ssize_t io_read_known(int fd, void *buf, size_t n, off_t size);

/* Write all n bytes there.  0, or -1 with errno. */
int io_write_at(int fd, const void *buf, size_t n, off_t at);

/*
 * Read a whole regular file of at most max bytes.  *out is allocated (the caller
 * frees it), *len bytes and a NUL behind them.  Returns 0 or -1.  Not for secrets:
 * the buffer is ordinary memory.
 */
int io_slurp(const char *path, size_t max, char **out, size_t *len, struct failure *f);

/*
 * Replace a small file atomically, or make it: a temporary file in the same
 * directory gets the contents and the mode, then fsync, rename, and fsync of the
 * directory.  Returns 0 or -1.  Not for secrets that are not encrypted.
 */
int io_replace_file(const char *path, mode_t mode, const void *buf, size_t n, struct failure *f);

/* The same, with the mode and the group that st says. */
int io_replace_file_like(const char *path, const struct stat *st, const void *buf, size_t n,
			 struct failure *f);

/*
 * A new file beside path, mode 0600, which is to take its place by rename; tmp gets its name.
 * As long as it is open, it is locked: what programs that were killed left of that kind is
 * removed here.  Returns a close-on-exec descriptor, or -1 with errno.
 */
int io_temp_open(const char *path, char *tmp, size_t size);

/* Remove a file or link, and fsync its directory: it does not come back after a loss of power.
 * 0, or -1 with errno (ENOENT: it was not there). */
int io_remove_file(const char *path);

/* fsync the directory of path, so that a new name in it survives a loss of power.  0, or -1
 * with errno. */
int io_sync_parent(const char *path);

/*
 * Create a file, mode 0600; a path that exists is an error.  Contents and name are
 * on the disk (fsync) when it returns 0; with -1 there is no file.  hint: what the
 * user can do when it cannot be created.
 */
int io_create_file(const char *path, const void *buf, size_t n, const char *hint,
		   struct failure *f);

/* The same, with that mode, and for that user. */
int io_create_file_for(const char *path, mode_t mode, uid_t owner, const void *buf, size_t n,
		       struct failure *f);

/*
 * Open /dev/null in place of each standard stream that is closed.  Otherwise the
 * next file that is opened would get its number, and messages would be written to
 * it.  Standard output is opened for reading only: writing to it fails, as it would
 * have.  Call it first in main().  Returns 0 or -1.
 */
int io_open_standard_streams(void);

/*
 * Write what is left of an output.  0, or -1 with errno if any of it could not be written, now
 * or before: stdio reports that once, to whoever filled its buffer.
 */
int io_flush(FILE *to);

/* Overwrite n bytes with zeros; the compiler does not optimise it away. */
void io_wipe(void *p, size_t n);

#endif
