/*
 * vault/locked_heap.h - malloc and the rest in locked memory, wiped by free,
 * for libraries whose allocator can be set (libcurl).
 */
#ifndef VAULT_LOCKED_HEAP_H
#define VAULT_LOCKED_HEAP_H

#include <stddef.h>

struct arena;

/* Allocate from arena a from now on.  Call it once, before the others. */
void heap_use(struct arena *a);

/* As malloc and the rest; thread-safe.  NULL when the arena is full. */
void *heap_malloc(size_t n);
void *heap_calloc(size_t count, size_t n);
void *heap_realloc(void *p, size_t n);
char *heap_strdup(const char *text);
void heap_free(void *p);

#endif
