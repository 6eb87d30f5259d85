/*
 * tests/fuzz/fuzz_arena.h - an arena for a driver.  AFL++ forks behind LLVMFuzzerInitialize, and in
 * the child an arena does not exist: so it is made with the first input of a process.
 */
#ifndef CCRUN_TESTS_FUZZ_ARENA_H
#define CCRUN_TESTS_FUZZ_ARENA_H

#include <stdbool.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "vault/arena.h"

static struct arena *fuzz_arena;

/* True: it was made just now. */
static bool fuzz_arena_make(void)
{
	static pid_t owner;

	if (owner == getpid())
		return false;
	owner = getpid();
	fuzz_arena = arena_new(ARENA_DEFAULT, NULL);
	MUST(fuzz_arena);
	return true;
}

#endif
