/*
 * tests/torture/allocator.c - in the programs of the test build alone: allocations that a tracer
 * (tracer.c) may have fail.  Without a tracer they are as ever.
 *
 * The linker (--wrap) has every caller in our objects and in static libraries come here.
 */
#include "tests/torture/allocator.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t max);

static int traced;

/* First of all: what the loader and libc do before is not ours. */
__attribute__((constructor(101))) static void allocator_begin(void)
{
	int before = errno;

	traced =
		syscall(SYS_close, ALLOCATOR_ASKS, ALLOCATOR_BEGINS) != 0 && errno == ALLOCATOR_YES;
	errno = before;
}

static int refused(void)
{
	int before = errno;

	if (!traced)
		return 0;
	if (syscall(SYS_close, ALLOCATOR_ASKS, 0) != 0 && errno == ENOMEM)
		return 1;
	errno = before;
	return 0;
}

void *__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refused() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, (size_t)-1);
}

char *__wrap_strndup(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *copy = __wrap_malloc(n + 1);

	if (copy) {
		memcpy(copy, s, n);
		copy[n] = '\0';
	}
	return copy;
}
