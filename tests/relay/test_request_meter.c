/*
 * tests/relay/test_request_meter.c - how many tokens a request and the answer to it may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "relay/request_meter.h"

static struct request_meter feed_in_pieces(const char *text, size_t piece)
{
	size_t left = strlen(text), n;
	struct request_meter m;

	request_meter_start(&m);
	for (; left > 0; text += n, left -= n) {
		n = left < piece ? left : piece;
		request_meter_feed(&m, text, n);
	}
	return m;
}

static uint64_t output_in_pieces(const char *text, size_t piece)
{
	const struct request_meter m = feed_in_pieces(text, piece);

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
		{ "{\"max_tokens\":9,\"stream\":true,\"\\u017ftream\":false}", REQUEST_OUTPUT_MAX },
		{ "{\"max_tokens\":9,\"stream\":true,\"\xc5\xbftream\":false}",
		  REQUEST_OUTPUT_MAX },
		{ "{\"max_tokens\":9,\"max_to\xe2\x84\xaa"
		  "ens\":90}",
		  REQUEST_OUTPUT_MAX },
		{ "{\"stream\":true,\"x\":{\"\xc5\xbftream\":false}}", 0 },
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

static void test_two_models(void **state)
{
	static const struct {
		const char *body;
		bool two;
	} cases[] = {
		{ "{\"model\":\"a\"}", false },
		{ "{\"max_tokens\":9}", false },
		{ "{\"model\":\"a\",\"messages\":[{\"model\":\"b\"}],\"metadata\":{\"model\":\"c\"}"
		  "}",
		  false },
		{ "{\"model\":\"a\",\"x\":\"model\",\"y\":[\"model\"]}", false },
		{ "{\"model\":\"a\",\"models\":[\"b\"]}", false },
		/* one that stops at a NUL reads model; nobody knows what others make of the last */
		{ "{\"model\":\"a\",\"model\\u0000\":\"b\"}", true },
		{ "{\"model\":\"a\",\"mode\xc5\x82\":\"b\"}", true },
		{ "{\"model\":\"a\",\"x\":{\"model\\u0000\":\"b\"}}", false },
		{ "{\"model\":\"a\",\"model\":\"b\"}", true },
		{ "{\"model\":\"a\",\"model\":\"a\"}", true },
		{ "{\"model\":\"a\",\"messages\":[],\"mod\\u0065l\":\"b\"}", true },
		{ "{\"model\":\"a\",\"Model\":\"b\"}", true },
		{ "{\"model\":null,\"model\":\"b\"", true },
	};
	struct request_meter m;
	unsigned i;
	size_t piece;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (piece = 1; piece < 80; piece++) {
			m = feed_in_pieces(cases[i].body, piece);
			if (request_meter_is_ambiguous(&m) != cases[i].two)
				fail_msg("%s", cases[i].body);
		}
}

static void test_unreadable(void **state)
{
	static const struct {
		const char *body;
		bool unreadable;
	} cases[] = {
		{ "{\"model\":\"a\"}", false },
		{ " {\"model\":\"a\",\"x\":[NaN,{}]} \r\n", false },
		{ "{\"model\":\"a\"", false }, /* not yet */
		{ "{\"model\":\"a\"}{\"model\":\"b\"}", true },
		{ "{\"model\":\"a\",'model':\"b\"}", true },
		{ "{\"model\":\"a\",\"x\":1,,\"model\":\"b\"}", true },
		{ "{\"model\":\"a\",\"x\":\"\n\"}", true },
		{ "{\"model\":\"a\"/**/}", true },
		{ "[{\"model\":\"a\"}]", true },
		{ "model=a&messages=b", true },
	};
	struct request_meter m;
	size_t piece;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (piece = 1; piece < 80; piece++) {
			m = feed_in_pieces(cases[i].body, piece);
			if (request_meter_is_unreadable(&m) != cases[i].unreadable)
				fail_msg("%s", cases[i].body);
		}
}

/* Behind {"model":"m",; input: 0, of its own length, or with so many pictures. */
#define BLOCK(s) "\"messages\":[{\"content\":[" s "]}]}"
#define PICTURE "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"data\":\"AA==\"}}"

enum { UNKNOWN = -1 };

static void test_input(void **state)
{
	static const struct {
		const char *body;
		int pictures, counted; /* as input: pictures, or UNKNOWN */
	} cases[] = {
		{ BLOCK("{\"type\":\"text\",\"text\":\"a source, a document\"}"), 0, 0 },
		{ BLOCK(PICTURE), 1, 0 },
		{ BLOCK(PICTURE "," PICTURE), 2, 0 },
		{ BLOCK("{\"s\\u006furce\":{}}"), 1, 0 },
		{ BLOCK("{\"source\":\"https://a\"}"), 0, 0 },
		{ BLOCK("{\"type\":\"tool_result\",\"content\":[" PICTURE "]}"), 1, 0 },
		{ BLOCK("{\"source\":{\"type\":\"url\",\"url\":\"a\"},\"type\":\"document\"}"),
		  UNKNOWN, 0 },
		{ BLOCK("{\"type\":\"container_upload\",\"file_id\":\"a\"}"), UNKNOWN, 0 },
		{ BLOCK("{\"document\":{\"source\":{\"bytes\":\"\"}}}"), UNKNOWN, 0 },
		{ "\"tools\":[{\"name\":\"a\",\"input_schema\":{\"type\":\"object\"}}]}", 0, 0 },
		{ "\"tools\":[{\"type\":\"custom\"},{\"type\":null},{\"type\":\"bash_20250124\"}]}",
		  0, 0 },
		{ "\"tools\":[{\"type\":\"custom\"},{\"type\":\"web_search_20250305\"}]}", UNKNOWN,
		  UNKNOWN },
		{ "\"tools\":[{\"type\":\"mcp_toolset\"}]}", UNKNOWN, UNKNOWN },
		{ "\"tools\":[],\"x\":[{\"type\":\"web_search_20250305\"}]}", 0, 0 },
		{ "\"mcp_servers\":[{}]}", UNKNOWN, UNKNOWN },
		{ "\"container\":\"a\"}", UNKNOWN, UNKNOWN },
		{ "\"container\":null}", 0, 0 },
		{ "\"x\":1", UNKNOWN, UNKNOWN },
		{ "\"x\":1}x", UNKNOWN, UNKNOWN },
	};
	struct request_meter m;
	char body[256];
	unsigned i;
	size_t piece, n;
	int want;

	(void)state;
	for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++)
		for (piece = 1; piece < 80; piece++) {
			n = (size_t)snprintf(body, sizeof(body), "{\"model\":\"m\",%s",
					     cases[i / 2].body);
			m = feed_in_pieces(body, piece);
			want = i % 2 ? cases[i / 2].counted : cases[i / 2].pictures;
			if (request_meter_input(&m, n, i % 2) !=
			    (want == UNKNOWN ? 0 : n + (uint64_t)want * REQUEST_PICTURE_BYTES))
				fail_msg("%s: not %d", body, want);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_two_models),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
