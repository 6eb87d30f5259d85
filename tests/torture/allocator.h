/*
 * tests/torture/allocator.h - how the test build's programs ask the tracer for memory: by a close
 * of a descriptor that none has, which every sandbox lets pass and the kernel answers with EBADF.
 */
#ifndef TESTS_TORTURE_ALLOCATOR_H
#define TESTS_TORTURE_ALLOCATOR_H

#include <errno.h>

#define ALLOCATOR_ASKS 0x7fa110c0U /* the descriptor */
#define ALLOCATOR_BEGINS 1	   /* second argument: the program begins; 0: an allocation */
#define ALLOCATOR_YES ENOTUNIQ	   /* to that: a tracer is there */

#endif
