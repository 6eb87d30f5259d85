/*
 * base/sealed.h - copies of files that nobody can change any more.
 */
#ifndef BASE_SEALED_H
#define BASE_SEALED_H

#include <stddef.h>

/*
 * A memfd with what can be read from the descriptor `from`, at most max bytes of it, and
 * the seals SEAL, SHRINK, GROW and WRITE.  No program can be started from it, but a library
 * be mapped.  name: for /proc/PID/fd.  A close-on-exec descriptor at its start, or -1 with
 * errno (EFBIG: there was more).
 */
int sealed_copy(int from, const char *name, size_t max);

#endif
