/*
 * tests/fuzz/fuzz_locked.h - memory of the heap in place of locked pages (-Wl,--wrap, mk/tests.mk):
 * to lock them, and to ask the kernel whether they are, costs a hundred times what is tried; and
 * ASan sees a byte too many here, which within a page it does not.
 */
#ifndef CCRUN_TESTS_FUZZ_LOCKED_H
#define CCRUN_TESTS_FUZZ_LOCKED_H

#include <stdlib.h>

#include "base/fail.h"
#include "base/locked.h"

void *__wrap_locked_map(size_t n, struct failure *f);
void __wrap_locked_unmap(void *p, size_t n);

void *__wrap_locked_map(size_t n, struct failure *f)
{
	void *p = calloc(1, n);

	if (!p)
		fail_set(f, FAIL_NOT_LOCKED_MEM, NULL, "no memory");
	return p;
}

void __wrap_locked_unmap(void *p, size_t n)
{
	(void)n;
	free(p);
}

#endif
