/*
 * base/musl/alloc.c - a bump allocator for short-lived programs, in place of the C
 * library's: a block is the next bytes of a chunk, and free() does nothing.
 *
 * ccrun runs for a third of a millisecond before it executes the client, and the
 * status line prints one line and ends.  The C library's allocator spends a good
 * part of that on size classes, for memory that is never reused.  Secrets are
 * wiped by their owner, as everywhere.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)256 * 1024) /* the kernel allocates a page when it is first used */
#define ALIGN 16

/* In front of each block, for realloc. */
struct block {
	size_t size;
	char pad[ALIGN - sizeof(size_t)];
};

static char *next;
static size_t left;

static void *chunk_take(size_t n)
{
	size_t want = n > CHUNK ? n : CHUNK;
	void *p;

	if (n > left) {
		p = mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return NULL;
		next = p;
		left = want;
	}
	p = next;
	next += n;
	left -= n;
	return p;
}

void *malloc(size_t n)
{
	struct block *b;

	if (n > PTRDIFF_MAX - 2 * ALIGN)
		b = NULL;
	else
		b = chunk_take(sizeof(*b) + (n + ALIGN - 1) / ALIGN * ALIGN);
	if (!b) {
		errno = ENOMEM;
		return NULL;
	}
	b->size = n;
	return b + 1;
}

void free(void *p)
{
	(void)p;
}

/* New pages are zero, and no byte is handed out twice. */
void *calloc(size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(n * size);
}

void *realloc(void *p, size_t n)
{
	struct block *b = p;
	void *to;

	if (p && n <= b[-1].size)
		return p;
	to = malloc(n);
	if (to && p)
		memcpy(to, p, b[-1].size);
	return to;
}

/* musl requires all of these functions to be replaced together. */
void *aligned_alloc(size_t align, size_t n);
void *aligned_alloc(size_t align, size_t n)
{
	if (align > ALIGN) {
		errno = EINVAL;
		return NULL;
	}
	return malloc(n);
}
