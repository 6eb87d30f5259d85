/*
 * tests/relay/test_request_meter.c - how many tokens the answer to a request may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "relay/request_meter.h"

static uint64_t output_in_pieces(const char *text, size_t piece)
{
	size_t left = strlen(text), n;
	struct request_meter m;

	request_meter_start(&m);
	for (; left > 0; text += n, left -= n) {
		n = left < piece ? left : piece;
		request_meter_feed(&m, text, n);
	}
	return request_meter_output(&m);
}

static void test_output(void **state)
{
	static const struct {
		const char *body;
		uint64_t output;
	} cases[] = {
		{ "{\"model\":\"m\",\"max_tokens\":32000}", 32000 },
		{ "{\"model\":\"m\",\"max_tokens\":32000,\"stream\":false}", 32000 },
		{ "{\"max_tokens\":32000,\"messages\":[{\"stream\":true}],\"stream\":true}", 0 },
		/* what is not at the top says nothing */
		{ "{\"max_tokens\":7,\"messages\":[{\"stream\":true,\"max_tokens\":9}]}", 7 },
		{ "{\"max_tokens\":7,\"x\":{\"stream\":true}}", 7 },
		/* any of the same name may count, and a name may be written otherwise */
		{ "{\"max_tokens\":9,\"max_tokens\":7,\"stream\":true,\"stream\":false}", 9 },
		{ "{\"max_tokens\":9,\"stream\":false,\"stream\":true}", 9 },
		{ "{\"max_tokens\":9,\"stream\":true,\"str\\u0065am\":false}", 9 },
		{ "{\"max_tokens\":9,\"stream\":true,\"Stream\":false}", 9 },
		{ "{\"max_tokens\":9,\"stream\":null}", 9 },
		{ "{\"max_tokens\":9,\"stream\":\"true\"}", 9 },
		/* nobody knows */
		{ "{}", REQUEST_OUTPUT_MAX },
		{ "", REQUEST_OUTPUT_MAX },
		{ "{\"max_tokens\":9", REQUEST_OUTPUT_MAX },
		{ "{\"stream\":true", REQUEST_OUTPUT_MAX },
		{ "{\"stream\":true}{\"stream\":false}", REQUEST_OUTPUT_MAX },
		{ "{\"max_tokens\":0}", REQUEST_OUTPUT_MAX },
		{ "{\"max_tokens\":9,\"max_tokens\":\"99\"}", REQUEST_OUTPUT_MAX },
		{ "{\"max_tokens\":9,\"max_tokens\":1.5}", REQUEST_OUTPUT_MAX },
	};
	unsigned i;
	size_t piece;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (piece = 1; piece < 80; piece++)
			if (output_in_pieces(cases[i].body, piece) != cases[i].output)
				fail_msg("%s: not %u", cases[i].body, (unsigned)cases[i].output);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_output) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
