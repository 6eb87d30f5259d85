/*
 * vault/locked_heap.c - malloc and the rest in locked memory.
 */
#include "vault/locked_heap.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "vault/arena.h"

/* Before each block: realloc needs the size.  16 bytes, to keep the block aligned. */
struct block_header {
	size_t size;
	size_t unused;
};

_Static_assert(sizeof(struct block_header) == 16, "blocks stay aligned");

static struct arena *arena;
/* libcurl resolves names in a thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void heap_use(struct arena *a)
{
	arena = a;
}

void *heap_malloc(size_t n)
{
	struct block_header *h;

	if (n > SIZE_MAX - sizeof(*h))
		return NULL;
	pthread_mutex_lock(&lock);
	h = arena_alloc(arena, sizeof(*h) + n, NULL);
	pthread_mutex_unlock(&lock);
	if (!h)
		return NULL;
	h->size = n;
	return h + 1;
}

void heap_free(void *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&lock);
	arena_release(arena, (struct block_header *)p - 1);
	pthread_mutex_unlock(&lock);
}

void *heap_calloc(size_t count, size_t n)
{
	/* arena_alloc returns zeroed memory. */
	return n && count > SIZE_MAX / n ? NULL : heap_malloc(count * n);
}

void *heap_realloc(void *p, size_t n)
{
	size_t had = p ? ((struct block_header *)p - 1)->size : 0;
	void *q = heap_malloc(n);

	if (!q)
		return NULL;
	if (p)
		memcpy(q, p, had < n ? had : n);
	heap_free(p);
	return q;
}

char *heap_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = heap_malloc(n);

	return copy ? memcpy(copy, text, n) : NULL;
}
