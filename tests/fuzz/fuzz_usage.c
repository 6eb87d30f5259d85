/*
 * tests/fuzz/fuzz_usage.c - a quota endpoint's answer, through every parser of
 * ccrun-usage.  Whatever comes in, what comes out is a word or numbers within
 * their bounds.
 *
 * Targets: helpers/usage/answer*.c helpers/usage/json_values.c helpers/usage/usage_*.c
 */
#include <string.h>

#include "base/fail.h"
#include "helpers/usage/answer.h"
#include "helpers/usage/usage_kind.h"
#include "helpers/usage/usage_result.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct usage_result numbers;
	unsigned i, understood = 0;

	fuzz_inputs++;
	for (i = 0; usage_kind_name(i); i++) {
		memset(&numbers, 0, sizeof(numbers));
		answer_parse(usage_kind_find(usage_kind_name(i)), "api.example.cn", (const char *)p,
			     n, &numbers);
		MUST(usage_result_valid(&numbers));
		MUST(numbers.error == USAGE_DONE || numbers.count == 0);
		understood += numbers.error == USAGE_DONE && numbers.count > 0;
	}
	fuzz_understood += understood > 0;
	return 0;
}
