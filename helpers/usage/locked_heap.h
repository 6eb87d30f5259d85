/*
 * helpers/usage/locked_heap.h - an allocator in locked memory that wipes what it
 * takes back, for libraries that let their allocator be chosen.
 */
#ifndef HELPERS_USAGE_LOCKED_HEAP_H
#define HELPERS_USAGE_LOCKED_HEAP_H

#include <stddef.h>

struct arena;

/* From now on these use a; one arena a process. */
void heap_use(struct arena *a);

/* As malloc and the rest; usable from several threads.  NULL when it is full. */
void *heap_malloc(size_t n);
void *heap_calloc(size_t count, size_t n);
void *heap_realloc(void *p, size_t n);
char *heap_strdup(const char *text);
void heap_free(void *p);

#endif
