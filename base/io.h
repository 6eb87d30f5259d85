/*
 * base/io.h - bounded input and output with deadlines, and wiping.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct failure;
struct stat;

/* Milliseconds of CLOCK_BOOTTIME: runs through suspend, never set back. */
int64_t io_now_ms(void);

/*
 * Wait until fd has `events` (poll.h).  deadline: io_now_ms() value.
 * Returns 1 ready, 0 deadline passed, -1 error (errno).
 */
int io_wait(int fd, short events, int64_t deadline);

/* Write all n bytes.  Returns 0, or -1 with errno (ETIMEDOUT at the deadline). */
int io_write_all(int fd, const void *buf, size_t n, int64_t deadline);

/*
 * Read until end of file, at most max bytes, into buf.  Returns the length,
 * or -1 with errno (EFBIG when there was more, ETIMEDOUT at the deadline).
 */
ssize_t io_read_all(int fd, void *buf, size_t max, int64_t deadline);

/*
 * Read a whole regular file of at most max bytes.  *out is allocated (the
 * caller frees it) and NUL-terminated one byte past *len.  Not for secrets:
 * the buffer is ordinary memory.
 */
int io_slurp(const char *path, size_t max, char **out, size_t *len,
	     struct failure *f);

/*
 * Replace a small file: temporary file beside it, mode, fsync, rename, fsync
 * of the directory.  Not for secrets in the clear.
 */
int io_replace_file(const char *path, mode_t mode, const void *buf, size_t n,
		    struct failure *f);

/*
 * The same, and the file keeps the mode and group of the one that st is of.
 */
int io_replace_file_like(const char *path, const struct stat *st, const void *buf, size_t n,
			 struct failure *f);

/*
 * A file that was not there, 0600: whole and on the disk, its name too, or
 * nothing.  hint: what to do when it cannot be made (it is there, say).
 */
int io_create_file(const char *path, const void *buf, size_t n, const char *hint,
		   struct failure *f);

/*
 * Standard streams that are closed become /dev/null: each would be the next
 * descriptor that is opened, and be written to or handed on as what it is not.
 * What is written to standard output fails then, as it should.  First thing in a
 * program.  0 or -1.
 */
int io_open_standard_streams(void);

/* Overwrite n bytes so that the compiler cannot drop it. */
void io_wipe(void *p, size_t n);

#endif
