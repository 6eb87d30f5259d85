/*
 * import/locked_text.h - a file that may hold a secret, in locked memory.
 */
#ifndef IMPORT_LOCKED_TEXT_H
#define IMPORT_LOCKED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct failure;

#define LOCKED_TEXT_MAX 1048576 /* bytes of a file that is read as a whole */

struct locked_text {
	char *p; /* p[n] is NUL; locked, in no core dump */
	size_t n;
	size_t room; /* bytes allocated, without the NUL */
};

/*
 * room bytes of zeroed memory that is locked and in no dump.  -1
 * (FAIL_NOT_LOCKED_MEM) when the kernel locks no more.
 */
int locked_text_new(struct locked_text *t, size_t room, struct failure *f);

/* Wipe and unmap.  Safe on a zeroed one. */
void locked_text_free(struct locked_text *t);

enum locked_text_result {
	LOCKED_TEXT_FAILED = -1, /* f says why */
	LOCKED_TEXT_NONE,	 /* there is no such file */
	LOCKED_TEXT_READ
};

/*
 * Read the whole of a regular file into a new text.  Fails on any other file, one that
 * cannot be read, has more than LOCKED_TEXT_MAX bytes, or (plain) a NUL or no UTF-8.  st
 * may be NULL.
 */
enum locked_text_result locked_text_read(const char *path, bool plain, struct locked_text *t,
					 struct stat *st, struct failure *f);

#endif
