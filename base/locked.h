/*
 * base/locked.h - memory pages for secrets: locked (mlock(2)), excluded from core
 * dumps, and between two guard pages.
 *
 * Whole pages, for long-lived buffers.  vault/arena.h allocates blocks of any size
 * from one such region.
 */
#ifndef BASE_LOCKED_H
#define BASE_LOCKED_H

#include <stdbool.h>
#include <stddef.h>

struct failure;

/*
 * Map n zeroed bytes, rounded up to pages, and verify in /proc/self/smaps that they
 * are locked.  Returns the first byte, page-aligned; or NULL with
 * FAIL_NOT_LOCKED_MEM in f (which may be NULL), and nothing stays mapped.
 */
void *locked_map(size_t n, struct failure *f);

/* Wipe and unmap the pages.  n as given to locked_map.  p may be NULL. */
void locked_unmap(void *p, size_t n);

/*
 * Lock the pages again in a forked child, which inherits the mapping but not the
 * lock.  Returns 0, or -1 with FAIL_NOT_LOCKED_MEM.
 */
int locked_relock(void *p, size_t n, struct failure *f);

/*
 * ---- for a sandboxed process, which cannot open files ----
 * smaps: a descriptor of /proc/self/smaps that this process opened; in a forked
 * child it still describes the parent.
 */

/* As locked_map; sets no failure. */
void *locked_map_verified(size_t n, int smaps);

/*
 * Does the kernel say that the n bytes at p, all the pages between two guard
 * pages, are locked and excluded from core dumps?
 */
bool locked_verify(const void *p, size_t n, int smaps);

#endif
