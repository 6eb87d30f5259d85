/*
 * scratch.c - the mappings behind SCRATCH.
 */
#include "shim/preload/scratch.h"

#include <errno.h>
#include <sys/mman.h>

void *scratch_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		return p;
	errno = ENOMEM;
	return NULL;
}

void scratch_free(void *mem, size_t size)
{
	int error = errno;

	if (mem && size > SCRATCH_STACK_MAX)
		munmap(mem, size);
	errno = error;
}
