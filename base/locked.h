/*
 * base/locked.h - pages for secrets: locked in memory, in no core dump, and
 * between two pages that nothing can be read from or written to.
 *
 * Whole pages, for buffers that live long.  vault/arena.h hands out blocks of
 * any size from one such region.
 */
#ifndef BASE_LOCKED_H
#define BASE_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

/*
 * Map n zeroed bytes, rounded up to pages.  That they are locked is verified
 * with the kernel.  Returns the first byte, page-aligned; NULL with
 * FAIL_NOT_LOCKED_MEM in f (which may be NULL) and nothing left mapped.
 */
void *locked_map(size_t n, struct failure *f);

/* Wipe the pages and unmap them.  n as it was given to locked_map.  p may be NULL. */
void locked_unmap(void *p, size_t n);

/*
 * Lock the pages of locked_map in a forked child: it inherits them, but not the
 * lock.  Returns 0, or -1 with FAIL_NOT_LOCKED_MEM.
 */
int locked_relock(void *p, size_t n, struct failure *f);

/* ---- with /proc/self/smaps open already: a sandboxed process cannot open it ---- */

/* As locked_map; sets no failure. */
void *locked_map_verified(size_t n, int smaps);

/*
 * Ask the kernel: are the n bytes at p, all of the pages between two guard pages,
 * locked and excluded from dumps?  smaps must have been opened by this process:
 * in a forked child the descriptor still describes the parent.
 */
bool locked_verify(const void *p, size_t n, int smaps);

#endif
