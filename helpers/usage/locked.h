/*
 * helpers/usage/locked.h - an allocator in locked memory that wipes what it
 * takes back, for libraries that let their allocator be chosen.
 */
#ifndef HELPERS_USAGE_LOCKED_H
#define HELPERS_USAGE_LOCKED_H

#include <stddef.h>

struct arena;

/* From now on these use a; one arena a process. */
void locked_use(struct arena *a);

/* As malloc and the rest; usable from several threads.  NULL when it is full. */
void *locked_malloc(size_t n);
void *locked_calloc(size_t count, size_t n);
void *locked_realloc(void *p, size_t n);
char *locked_strdup(const char *text);
void locked_free(void *p);

#endif
