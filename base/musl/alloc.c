/*
 * base/musl/alloc.c - memory of programs that end at once: taken in order,
 * never given back.
 *
 * ccrun lives for a third of a millisecond and then is another program, the
 * status line prints its line and ends.  The C library's allocator spends a good part of that on keeping sizes apart, for
 * a reuse that never comes; here a block is the next bytes of a chunk.  What
 * must not lie around is wiped by who owns it, as everywhere.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>


#define CHUNK ((size_t)256 * 1024) /* pages are only taken when they are used */
#define ALIGN 16

/* Before each block: its size, for realloc. */
struct block {
	size_t size;
	char pad[ALIGN - sizeof(size_t)];
};

static char *next;
static size_t left;

static void *take(size_t n)
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
		b = take(sizeof(*b) + (n + ALIGN - 1) / ALIGN * ALIGN);
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

/* Fresh pages are zero, and no block is handed out twice. */
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

/* musl wants all of them replaced together. */
void *aligned_alloc(size_t align, size_t n);
void *aligned_alloc(size_t align, size_t n)
{
	if (align > ALIGN) {
		errno = EINVAL;
		return NULL;
	}
	return malloc(n);
}
