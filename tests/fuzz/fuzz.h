/*
 * tests/fuzz/fuzz.h - what the libFuzzer drivers share.
 *
 * libFuzzer hands over each input in a heap block of exactly its size, so that
 * ASan sees a byte read too many.
 */
#ifndef CCRUN_TESTS_FUZZ_H
#define CCRUN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A property of what was read; libFuzzer keeps the input that it does not hold for. */
#define MUST(c)                                                                 \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			abort();                                                \
		}                                                               \
	} while (0)

#ifndef FUZZ_ONE_IN
#define FUZZ_ONE_IN 200 /* inputs are understood, at least */
#endif

/* How many inputs there were, and how many of them the reader understood. */
static uint64_t fuzz_inputs, fuzz_understood;

/* A driver that understands nothing tests nothing.  One input alone may be one
   that libFuzzer kept. */
static void fuzz_at_exit(void)
{
	printf("%llu inputs, %llu of them understood\n", (unsigned long long)fuzz_inputs,
	       (unsigned long long)fuzz_understood);
	MUST(fuzz_inputs < 1000 || fuzz_understood >= fuzz_inputs / FUZZ_ONE_IN);
}

#endif
