/*
 * import/locked_text.h - a file that may hold a secret, in locked memory.
 */
#ifndef IMPORT_LOCKED_TEXT_H
#define IMPORT_LOCKED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct failure;

#define TEXT_MAX (1024 * 1024) /* bytes of a file that is read as a whole */

struct text {
	char *p; /* p[n] is NUL */
	size_t n;
	size_t room; /* bytes there are, without the NUL */
};

/*
 * room bytes of zeroed memory that is locked and in no dump.  -1
 * (FAIL_NOT_LOCKED_MEM) when the kernel locks no more.
 */
int text_new(struct text *t, size_t room, struct failure *f);

/* Wipe and give back.  Safe on a zeroed one. */
void text_free(struct text *t);

/*
 * Read the whole of a regular file.  Returns 1, 0 when there is no such file,
 * -1 when it is to be left alone (f: why): no regular file, unreadable, more
 * than TEXT_MAX bytes, or (plain) a NUL in it or no UTF-8.  st may be NULL.
 */
int text_read(const char *path, bool plain, struct text *t, struct stat *st, struct failure *f);

#endif
