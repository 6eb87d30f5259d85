/*
 * vault/arena.h - one locked region for every secret, and an allocator in it.
 *
 * MUST: guard pages around it, mlock, MADV_DONTDUMP; after mlock the kernel is asked
 * whether the pages are locked (/proc/self/smaps); freed blocks wiped; no fallback
 * to ordinary memory.
 */
#ifndef VAULT_ARENA_H
#define VAULT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct arena;

#define ARENA_DEFAULT (1024 * 1024) /* bytes; falls back to smaller, see arena_new */
#define ARENA_LEAST (192 * 1024)    /* below this a full packet and a vault do not fit */

/*
 * A region of `want` bytes, or the largest power-of-two fraction of it down to
 * ARENA_LEAST that the kernel locks.  NULL with FAIL_NOT_LOCKED_MEM (the hint
 * names RLIMIT_MEMLOCK and systemd's LimitMEMLOCK) when none is.
 */
struct arena *arena_new(size_t want, struct failure *f);

/* Wipe, unlock, unmap.  NULL-safe. */
void arena_free(struct arena *a);

/* n zeroed bytes, 16-aligned; NULL with FAIL_NO_MEMORY when it is full. */
void *arena_alloc(struct arena *a, size_t n, struct failure *f);

/* Wipe and give back a block of arena_alloc.  NULL-safe; aborts on a foreign
 * or corrupt pointer. */
void arena_release(struct arena *a, void *p);

/* Ask the kernel now: is the whole region locked and excluded from dumps? */
bool arena_verify(const struct arena *a);

/* Sizes for `status`: the region, and what is in use. */
size_t arena_size(const struct arena *a);
size_t arena_used(const struct arena *a);

#endif
