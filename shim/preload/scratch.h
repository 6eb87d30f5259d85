/*
 * scratch.h - memory for the arrays of pointers that a hook builds.
 *
 * The stack up to SCRATCH_STACK_MAX, a mapping beyond.  Exec hooks run in vfork
 * children, on the parent's stack and in its memory: malloc could hold a lock
 * there or corrupt the heap, the stack is what a child may use.  A mapping made
 * there stays in the parent when the exec succeeds: a leak, accepted because
 * 32 KiB are 4,000 variables, and arguments need memory only when one of them
 * contains a secret or a hook is variadic.  More stack would be no better:
 * threads may have as little as that.
 */
#ifndef SHIM_PRELOAD_SCRATCH_H
#define SHIM_PRELOAD_SCRATCH_H

#include <stddef.h>

#define SCRATCH_STACK_MAX ((size_t)32 * 1024)

/* size bytes, until scratch_free and no longer than the caller runs; NULL with ENOMEM. */
#define SCRATCH(size) ((size) <= SCRATCH_STACK_MAX ? __builtin_alloca(size) : scratch_map(size))

/* The mapping, for SCRATCH alone. */
void *scratch_map(size_t size);

/* mem may be NULL; size as it was given to SCRATCH.  Keeps errno. */
void scratch_free(void *mem, size_t size);

#endif
