/*
 * tests/relay/test_usage_meter.c - what an answer of the Messages API cost, as its bytes pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "relay/usage_meter.h"

static void feed_in_pieces(enum meter_format format, const char *text, size_t piece,
			   struct meter_result *out)
{
	size_t left = strlen(text), n;
	struct usage_meter m;
	char *copy;

	meter_start(&m, format);
	for (; left > 0; text += n, left -= n) {
		n = left < piece ? left : piece;
		/* A block of its own: valgrind and ASan see a byte read too many. */
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, text, n);
		meter_feed(&m, copy, n);
		assert_memory_equal(copy, text, n);
		free(copy);
	}
	meter_finish(&m, out);
}

/* Any division of the bytes tells the same. */
static struct meter_result meter(enum meter_format format, const char *text)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64 };
	struct meter_result whole, r;
	unsigned i;

	feed_in_pieces(format, text, SIZE_MAX, &whole);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		feed_in_pieces(format, text, pieces[i], &r);
		assert_memory_equal(&r, &whole, sizeof(r));
	}
	return whole;
}

#define UNKNOWN UINT64_MAX

static void assert_tokens(const struct meter_result *r, uint64_t input, uint64_t output,
			  uint64_t cache_write, uint64_t cache_read)
{
	const uint64_t want[TOKEN_KINDS] = { input, output, cache_write, cache_read };
	int i;

	for (i = 0; i < TOKEN_KINDS; i++) {
		assert_int_equal(r->tokens.known[i], want[i] != UNKNOWN);
		if (want[i] != UNKNOWN)
			assert_int_equal(r->tokens.n[i], want[i]);
	}
}

/* Of an answer that was cut, the output is a lower bound. */
static void assert_cut(const struct meter_result *r, uint64_t input, uint64_t output)
{
	assert_int_equal(r->answer, METER_MESSAGE);
	assert_false(r->complete);
	assert_false(r->cost_known);
	assert_tokens(r, input, UNKNOWN, 0, 0);
	assert_int_equal(r->tokens.n[TOKENS_OUTPUT], output);
}

static const char *stream =
	"event: message_start\n"
	"data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
	"\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[],"
	"\"stop_reason\":null,\"usage\":{\"input_tokens\":12,\"cache_creation_input_tokens\":2048,"
	"\"cache_read_input_tokens\":18446,\"cache_creation\":{\"ephemeral_5m_input_tokens\":2048,"
	"\"input_tokens\":99},\"output_tokens\":4,\"service_tier\":\"standard\"}}}\n\n"
	"event: content_block_start\n"
	"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
	"\"text\":\"\"}}\n\n"
	"event: ping\ndata: {\"type\": \"ping\"}\n\n"
	": a comment\n\n"
	"event: content_block_delta\n"
	"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
	"\"text\":\"data: {\\\"type\\\":\\\"message_delta\\\",\\\"usage\\\":{\\\"output_tokens\\\":"
	"7777}}\\n\\n\"}}\n\n"
	"event: message_delta\n"
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
	"\"usage\":{\"output_tokens\":345}}\n\n"
	"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static void test_stream(void **state)
{
	struct meter_result r = meter(METER_STREAM, stream);

	(void)state;
	assert_int_equal(r.answer, METER_MESSAGE);
	assert_true(r.complete);
	assert_false(r.error);
	assert_tokens(&r, 12, 345, 2048, 18446);
	assert_string_equal(r.model, "claude-sonnet-4-5-20250929");
	assert_false(r.cost_known);
}

/* A stream of a start and these deltas, with "input_tokens":10 and "output_tokens":1. */
static struct meter_result meter_deltas(const char *deltas)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",\"usage\":"
		 "{\"input_tokens\":10,\"output_tokens\":1}}}\n\n%s",
		 deltas);
	return meter(METER_STREAM, text);
}

#define DELTA_OPEN(usage) "data: {\"type\":\"message_delta\",\"usage\":" usage "}\n\n"
#define DELTA(usage) DELTA_OPEN(usage ",\"delta\":{\"stop_reason\":\"end_turn\"}")
#define STOP "data: {\"type\":\"message_stop\"}\n\n"

static void test_deltas(void **state)
{
	struct meter_result r;

	(void)state;
	r = meter_deltas("");
	assert_cut(&r, 10, 1);
	r = meter_deltas(DELTA("{\"output_tokens\":5}") DELTA("{\"output_tokens\":9}"));
	assert_tokens(&r, 10, 9, 0, 0);
	assert_true(r.complete);
	/* Who says 0 at the end has counted at the start; who says more has counted now. */
	r = meter_deltas(DELTA("{\"input_tokens\":0,\"output_tokens\":5,"
			       "\"cache_read_input_tokens\":7}"));
	assert_tokens(&r, 10, 5, 0, 7);
	r = meter_deltas(DELTA("{\"input_tokens\":600,\"output_tokens\":5}"));
	assert_tokens(&r, 600, 5, 0, 0);
	/* Never a smaller number than one before. */
	r = meter_deltas(DELTA("{\"input_tokens\":3,\"output_tokens\":500,\"cost\":0.5}")
				 DELTA("{\"output_tokens\":5,\"cost\":0.25}"));
	assert_tokens(&r, 10, 500, 0, 0);
	assert_int_equal(r.cost, 500000);
	/* null is nothing said; what cannot be read makes an earlier number doubtful. */
	r = meter_deltas(DELTA("{\"input_tokens\":null,\"output_tokens\":-5,"
			       "\"cache_read_input_tokens\":\"7\"}"));
	assert_tokens(&r, 10, UNKNOWN, 0, UNKNOWN);
	r = meter_deltas(DELTA("{\"output_tokens\":1.5}") DELTA("{\"output_tokens\":8}"));
	assert_tokens(&r, 10, 8, 0, 0);
	/* An event that is no JSON, or cut. */
	r = meter_deltas("data: [DONE]\n\n" DELTA("{\"output_tokens\":5}}"));
	assert_cut(&r, 10, 1);
	r = meter_deltas("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}");
	assert_cut(&r, 10, 1);
	r = meter_deltas("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}");
	assert_cut(&r, 10, 5);
	r = meter_deltas("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5},"
			 "\"delta\":{\"stop_reason\":\"end_turn\"}}");
	assert_tokens(&r, 10, 5, 0, 0);
	assert_true(r.complete);
}

static void test_complete(void **state)
{
	struct meter_result r;

	(void)state;
	r = meter_deltas(DELTA_OPEN("{\"output_tokens\":5,\"cost\":0.5}"));
	assert_cut(&r, 10, 5);
	assert_int_equal(r.cost, 500000);
	r = meter_deltas(DELTA_OPEN("{\"output_tokens\":5},\"delta\":{\"stop_reason\":null}"));
	assert_cut(&r, 10, 5);
	r = meter_deltas(DELTA_OPEN("{\"output_tokens\":5,\"cost\":0.5}") STOP);
	assert_tokens(&r, 10, 5, 0, 0);
	assert_true(r.complete && r.cost_known);
	/* A provider that sends no message_stop, but another API's end. */
	r = meter_deltas(DELTA("{\"output_tokens\":5}") "data: [DONE]\n\n");
	assert_tokens(&r, 10, 5, 0, 0);
	assert_true(r.complete);
	/* An end without the last numbers, or when they may be what could not be read. */
	r = meter_deltas(STOP);
	assert_cut(&r, 10, 1);
	r = meter_deltas(DELTA_OPEN("{\"output_tokens\":5}") "data: {\"type\":x}\n\n" STOP);
	assert_cut(&r, 10, 5);
	/* No text at all is not one that cannot be read. */
	r = meter_deltas("data:\n\ndata: \n\nevent: x\n\n" DELTA("{\"output_tokens\":5}") STOP);
	assert_true(r.complete);
}

/* A body whose usage has 7, 8, 0, 0 tokens and this in it. */
static struct meter_result meter_usage(const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"usage\":{\"input_tokens\":7,\"output_tokens\":8%s%s}}",
		 *more ? "," : "", more);
	return meter(METER_JSON, text);
}

static void test_iterations(void **state)
{
	struct meter_result r;

	(void)state;
	r = meter_usage("\"iterations\":[]");
	assert_tokens(&r, 7, 8, 0, 0);
	assert_false(r.surcharged);
	r = meter_usage("\"iterations\":[{\"type\":\"compaction\",\"input_tokens\":180000,"
			"\"output_tokens\":3500},{\"type\":\"message\",\"input_tokens\":7,"
			"\"output_tokens\":8,\"cache_read_input_tokens\":5,"
			"\"cache_creation_input_tokens\":null}]");
	assert_tokens(&r, 180007, 3508, 0, 5);
	assert_false(r.surcharged);
	/* The larger one, kind by kind. */
	r = meter_usage("\"iterations\":[{\"input_tokens\":1,\"output_tokens\":9}]");
	assert_tokens(&r, 7, 9, 0, 0);
	r = meter_usage("\"iterations\":[{\"input_tokens\":\"1\"},{\"input_tokens\":1},"
			"{\"output_tokens\":1000000000000},{\"output_tokens\":1}]");
	assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
	assert_int_equal(r.tokens.n[TOKENS_INPUT], 7);
	r = meter_usage("\"iterations\":[{\"output_tokens\":900}],\"iterations\":null");
	assert_tokens(&r, 7, 8, 0, 0);
	r = meter_usage("\"x\":[{\"output_tokens\":900}],\"iterations\":[[{\"output_tokens\":9}]]");
	assert_tokens(&r, 7, 8, 0, 0);
	/* Another model may have other prices. */
	r = meter_usage("\"iterations\":[{\"type\":\"advisor_message\",\"output_tokens\":90}]");
	assert_tokens(&r, 7, 90, 0, 0);
	assert_true(r.surcharged);
	r = meter_deltas(DELTA("{\"output_tokens\":5,\"iterations\":[{\"output_tokens\":600}]}"));
	assert_tokens(&r, 10, 600, 0, 0);
	r = meter(METER_STREAM, "data: {\"type\":\"message_start\",\"message\":{\"usage\":"
				"{\"iterations\":[{\"input_tokens\":600,\"cache_creation\":"
				"{\"ephemeral_1h_input_tokens\":5}}],\"input_tokens\":6}}}\n\n");
	assert_tokens(&r, 600, UNKNOWN, 0, 0);
	assert_true(r.surcharged);
}

static void test_surcharged(void **state)
{
	static const char *const usual[] = {
		"",
		"\"cache_creation\":{\"x\":9,\"ephemeral_1h_input_tokens\":0}",
		"\"cache_creation\":null,\"server_tool_use\":null,\"speed\":null",
		"\"server_tool_use\":{\"web_search_requests\":0,\"web_fetch_requests\":0}",
		"\"speed\":\"standard\",\"service_tier\":\"standard\",\"inference_geo\":\"global\"",
		"\"inference_geo\":\"not_available\"",
		"\"inference_geo\":\"\"",
		"\"x\":{\"speed\":\"fast\",\"ephemeral_1h_input_tokens\":5}",
	};
	static const char *const surcharged[] = {
		"\"cache_creation\":{\"ephemeral_1h_input_tokens\":5}",
		"\"cache_creation\":{\"ephemeral_1h_input_tokens\":\"0\"}",
		"\"server_tool_use\":{\"web_search_requests\":0,\"another\":1}",
		"\"speed\":\"fast\"",
		"\"speed\":[\"standard\"]",
		"\"service_tier\":\"priority\"",
		"\"service_tier\":\"standard\\u0000\"",
		"\"inference_geo\":\"us\"",
		"\"inference_geo\":\"standard\"",
	};
	struct meter_result r;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		assert_false(meter_usage(usual[i]).surcharged);
	for (i = 0; i < sizeof(surcharged) / sizeof(surcharged[0]); i++) {
		r = meter_usage(surcharged[i]);
		assert_true(r.surcharged);
		assert_tokens(&r, 7, 8, 0, 0);
	}
	r = meter_deltas(DELTA("{\"output_tokens\":5,\"speed\":\"fast\"}")
				 DELTA("{\"output_tokens\":6}") STOP);
	assert_true(r.surcharged);
}

static void test_stream_errors(void **state)
{
	struct meter_result r;

	(void)state;
	r = meter_deltas("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
			 "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
	assert_int_equal(r.answer, METER_MESSAGE);
	assert_true(r.error);
	assert_cut(&r, 10, 1);
}

static void test_lines(void **state)
{
	static const char *const streams[] = {
		/* the three ends of lines, no blank, a byte order mark, a text on several lines */
		"data:{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\r\n\r\n",
		"data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\r\rdata: "
		"{}\r\r",
		"\xef\xbb\xbf" DELTA("{\"output_tokens\":5}"),
		"\xef\xbb\xbf\r\n\n" DELTA("{\"output_tokens\":5}"),
		"data: {\"type\":\"message_delta\",\r\ndata:\"usage\":\nid: "
		"3\ndata:{\"output_tokens\""
		"\ndata: :5}}\n\n",
		"id: 4\nretry: 100\ndata: {\"usage\":{\"output_tokens\":5},\"type\":"
		"\"message_\\u0064elta\"}\nevent: message_delta\n\n",
	};
	static const char *const nothing[] = {
		/* no JSON */
		"data: {\"type\":\"message_delta\"\n\ndata: ,\"usage\":{\"output_tokens\":5}}\n\n",
		"data: {\"type\":\"message_delta\",\"usage\":{\"output_to\ndata: kens\":5}}\n\n",
		/* no data, or no message in it */
		"",
		"\n\n\n",
		"\xef\xbb" DELTA("{\"output_tokens\":5}"),
		" data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\n\n",
		"Data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\n\n",
		"dat: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\n\n",
		"database: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":5}}\n\n",
		"event: message_delta\ndata: {\"usage\":{\"output_tokens\":5}}\n\n",
	};
	struct meter_result r;
	char text[256];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", streams[i], STOP);
		r = meter(METER_STREAM, text);
		assert_int_equal(r.answer, METER_MESSAGE);
		assert_tokens(&r, UNKNOWN, 5, UNKNOWN, UNKNOWN);
	}
	for (i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		r = meter(METER_STREAM, nothing[i]);
		assert_int_equal(r.answer, i < 2 ? METER_UNREADABLE : METER_UNKNOWN);
		assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
		assert_false(r.complete);
	}
}

static void test_message(void **state)
{
	struct meter_result r;

	(void)state;
	r = meter(METER_JSON,
		  "{\"id\":\"msg_1\",\"type\":\"message\",\"model\":\"glm-4.6\",\"content\":[{"
		  "\"type\":\"tool_use\",\"input\":{\"usage\":{\"input_tokens\":5},\"model\":\"x\"}"
		  "}],"
		  "\"usage\":{\"input_tokens\":30,\"output_tokens\":40,\"cache_creation_input_"
		  "tokens\""
		  ":null,\"server_tool_use\":{\"output_tokens\":1},\"iterations\":[{\"output_"
		  "tokens\":"
		  "2},3]}}\n");
	assert_int_equal(r.answer, METER_MESSAGE);
	assert_true(r.complete);
	assert_tokens(&r, 30, 40, 0, 0);
	assert_string_equal(r.model, "glm-4.6");

	r = meter(METER_JSON, "{\"input_tokens\":2095}");
	assert_int_equal(r.answer, METER_COUNT);
	assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);

	r = meter(METER_JSON, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\"}}");
	assert_int_equal(r.answer, METER_UNKNOWN);
	assert_true(r.error);
	r = meter(METER_JSON, "{\"error\":\"no such model\",\"input_tokens\":5}");
	assert_int_equal(r.answer, METER_UNKNOWN);
	assert_true(r.error);
	r = meter(METER_JSON, "{\"error\":null,\"input_tokens\":5}");
	assert_int_equal(r.answer, METER_COUNT);
	r = meter(METER_JSON, "{\"data\":[{\"type\":\"model\",\"id\":\"m\"}],\"has_more\":false}");
	assert_int_equal(r.answer, METER_UNKNOWN);
	assert_false(r.error);
	/* A message without usage was paid for, too: how much is not known. */
	r = meter(METER_JSON, "{\"type\":\"message\",\"model\":\"m\"}");
	assert_int_equal(r.answer, METER_MESSAGE);
	assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
	/* A stream's events are none of a body of JSON, and the other way round. */
	r = meter(METER_JSON, stream);
	assert_int_equal(r.answer, METER_UNREADABLE);
	r = meter(METER_STREAM, "{\"type\":\"message\",\"usage\":{\"input_tokens\":5}}");
	assert_int_equal(r.answer, METER_UNKNOWN);
	r = meter(METER_OTHER, stream);
	assert_int_equal(r.answer, METER_UNKNOWN);
}

static void test_cost(void **state)
{
	static const struct {
		const char *cost;
		uint64_t micros;
	} row[] = {
		{ "0", 0 },
		{ "-0.0", 0 },
		{ "0.00014", 140 },
		{ "1.4e-4", 140 },
		{ "1.4E-04", 140 },
		{ "14e-5", 140 },
		{ "0.000140000001", 141 },
		{ "0.00014000000000000001", 141 },
		{ "1e-300", 1 },
		{ "1e-99999999999999999999", 1 },
		{ "0e99999999999999999999", 0 },
		{ "12.345678", 12345678 },
		{ "1E+3", UINT64_C(1000000000) },
		{ "1000000", METER_COST_MAX },
		{ "1000000.000001", UNKNOWN },
		{ "1e6", METER_COST_MAX },
		{ "1e7", UNKNOWN },
		{ "1e400", UNKNOWN },
		{ "100000000000000000000000000000000e-32", 1000000 },
		{ "99999999999999999999999999", UNKNOWN },
		{ "-0.01", UNKNOWN },
		{ "\"0.01\"", UNKNOWN },
		{ "{}", UNKNOWN },
		{ "null", UNKNOWN },
		{ "false", UNKNOWN },
	};
	struct meter_result r;
	char text[256];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"cost\":5,\"usage\":{\"cost\":%s,\"cost_details\":"
			 "{\"cost\":3}}}",
			 row[i].cost);
		r = meter(METER_JSON, text);
		if (r.cost_known != (row[i].micros != UNKNOWN) ||
		    (r.cost_known && r.cost != row[i].micros))
			fail_msg("%s: %llu", row[i].cost, (unsigned long long)r.cost);
	}
	r = meter_deltas(DELTA("{\"output_tokens\":5,\"cost\":0.0125}"));
	assert_true(r.cost_known);
	assert_int_equal(r.cost, 12500);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *number;
		uint64_t n;
	} row[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "1000000000000", METER_TOKENS_MAX },
		{ "1000000000001", UNKNOWN },
		{ "18446744073709551617", UNKNOWN },
		{ "-1", UNKNOWN },
		{ "1.0", UNKNOWN },
		{ "1e3", UNKNOWN },
		{ "true", UNKNOWN },
		{ "[5]", UNKNOWN },
		{ "{\"output_tokens\":5}", UNKNOWN },
		{ "\"5\"", UNKNOWN },
	};
	struct meter_result r;
	char text[512];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"usage\":{\"input_tokens\":7,\"output_tokens\":%s}}", row[i].number);
		r = meter(METER_JSON, text);
		assert_int_equal(r.answer, METER_MESSAGE);
		assert_tokens(&r, 7, row[i].n, 0, 0);
	}
	/* More digits than are kept. */
	snprintf(text, sizeof(text), "{\"usage\":{\"output_tokens\":1%0300d}}", 0);
	r = meter(METER_JSON, text);
	assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
}

static void test_duplicates(void **state)
{
	struct meter_result r;

	(void)state;
	r = meter(METER_JSON, "{\"model\":\"a\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2,"
			      "\"output_tokens\":3},\"model\":\"b\"}");
	assert_tokens(&r, 1, 3, 0, 0);
	assert_string_equal(r.model, "b");
	r = meter(METER_JSON, "{\"usage\":{\"input_tokens\":1},\"usage\":{\"output_tokens\":3}}");
	assert_tokens(&r, UNKNOWN, 3, UNKNOWN, UNKNOWN);
	r = meter(METER_JSON, "{\"usage\":{\"input_tokens\":1},\"usage\":[],\"model\":\"a\","
			      "\"model\":5}");
	assert_int_equal(r.answer, METER_UNKNOWN);
	assert_string_equal(r.model, "");
	r = meter(METER_STREAM,
		  "data: {\"message\":{\"usage\":{\"input_tokens\":1}},\"type\":\"message_start\","
		  "\"message\":{\"model\":\"m\"},\"usage\":{\"input_tokens\":4}}\n\n");
	assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
	assert_string_equal(r.model, "m");
}

static void test_models(void **state)
{
	char text[512], name[130];
	struct meter_result r;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[128] = '\0';
	snprintf(text, sizeof(text), "{\"type\":\"message\",\"model\":\"%s\"}", name);
	r = meter(METER_JSON, text);
	assert_string_equal(r.model, name);
	name[128] = 'x';
	name[129] = '\0';
	snprintf(text, sizeof(text), "{\"type\":\"message\",\"model\":\"%s\"}", name);
	r = meter(METER_JSON, text);
	assert_string_equal(r.model, "");
	r = meter(METER_JSON, "{\"type\":\"message\",\"\\u006Dodel\":\"a\\/b:\\u0066\\\"\"}");
	assert_string_equal(r.model, "a/b:f\"");
	r = meter(METER_JSON, "{\"type\":\"message\",\"model\":\"a\\u001b[2J\"}");
	assert_string_equal(r.model, "");
	r = meter(METER_JSON, "{\"type\":\"message\",\"model\":\"a b\"}");
	assert_string_equal(r.model, "");
	r = meter(METER_JSON, "{\"type\":\"message\",\"model\\u0000\":\"a\"}");
	assert_string_equal(r.model, "");
	r = meter(METER_JSON, "{\"type\":\"message\",\"model\":\"\xc3\xa4\"}");
	assert_string_equal(r.model, "");
}

static void test_bad_json(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[{\"usage\":{}}]",
		"{\"usage\":{\"input_tokens\":5}",
		"{\"usage\":{\"input_tokens\":5}}x",
		"{\"usage\":{\"input_tokens\":5},}",
		"{\"usage\":{\"input_tokens\":5,}}",
		"{\"usage\":{\"input_tokens\":05}}",
		"{\"usage\":{\"input_tokens\":-}}",
		"{\"usage\":{\"input_tokens\":5.}}",
		"{\"usage\":{\"input_tokens\":5e}}",
		"{\"usage\":{\"input_tokens\":5e+}}",
		"{\"usage\":{\"input_tokens\":+5}}",
		"{\"usage\":{\"input_tokens\" 5}}",
		"{\"usage\":{\"input_tokens\":5]}",
		"{\"usage\":{input_tokens:5}}",
		"{\"usage\":{\"input_tokens\":5},\"a\":nul}",
		"{\"usage\":{\"input_tokens\":5},\"a\":[1,]}",
		"{\"usage\":{\"input_tokens\":5},\"a\":[,]}",
		"{\"usage\":{\"input_tokens\":5},\"a\":\"\\x\"}",
		"{\"usage\":{\"input_tokens\":5},\"a\":\"\\u00g0\"}",
		"{\"usage\":{\"input_tokens\":5},\"a\":\"\n\"}",
		"{\"usage\":{\"input_tokens\":5} \"a\":1}",
	};
	struct meter_result r;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = meter(METER_JSON, bad[i]);
		assert_int_equal(r.answer, METER_UNREADABLE);
		assert_false(r.complete);
	}
}

/* What is not quite JSON hides no usage behind it. */
static void test_odd_json(void **state)
{
	static const char *const odd[] = {
		"\xef\xbb\xbf{\"a\":[],",
		" \n{\"a\":NaN,",
		"{\"a\":[NaN,Infinity,-Infinity,-0, NaN],",
		"{\"a\":{\"b\":-Infinity},",
	};
	static const char *const bad[] = {
		"\xef\xbb{\"a\":[],", "\xef\xbb \xbf{\"a\":[],",
		"{\xef\xbb\xbf",      "\xef\xbb\xbf\xef\xbb\xbf{",
		"{\"a\":Nan,",	      "{\"a\":-NaN,",
		"{\"a\":1Infinity,",  "{\"a\":Infinit,",
	};
	struct meter_result r;
	char text[256];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		snprintf(text, sizeof(text), "%s%s}\n", odd[i],
			 "\"usage\":{\"input_tokens\":5,\"output_tokens\":6}");
		r = meter(METER_JSON, text);
		assert_true(r.complete);
		assert_tokens(&r, 5, 6, 0, 0);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s%s}", bad[i], "\"usage\":{\"input_tokens\":5}");
		r = meter(METER_JSON, text);
		assert_int_equal(r.answer, METER_UNREADABLE);
	}
	r = meter(METER_JSON, "{\"usage\":{\"input_tokens\":NaN,\"output_tokens\":-Infinity,"
			      "\"cost\":Infinity}}");
	assert_int_equal(r.answer, METER_MESSAGE);
	assert_tokens(&r, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
	assert_false(r.cost_known);
}

/* An object with usage behind a value that is nested this deep. */
static void assert_nested(size_t depth, const char *open, const char *close,
			  enum meter_answer answer)
{
	size_t size = depth * (strlen(open) + strlen(close)) + 128, i;
	char *text = malloc(size), *p = text;
	struct meter_result r;

	assert_non_null(text);
	p = stpcpy(p, "{\"a\":");
	for (i = 0; i < depth; i++)
		p = stpcpy(p, open);
	p = stpcpy(p, "{}");
	for (i = 0; i < depth; i++)
		p = stpcpy(p, close);
	stpcpy(p, ",\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}");
	feed_in_pieces(METER_JSON, text, 4096, &r);
	free(text);
	assert_int_equal(r.answer, answer);
	if (answer == METER_MESSAGE)
		assert_tokens(&r, 5, 6, 0, 0);
}

static void test_depth(void **state)
{
	(void)state;
	assert_nested(JSON_LEXER_DEPTH_MAX - 1, "[", "]", METER_MESSAGE);
	assert_nested(JSON_LEXER_DEPTH_MAX, "[", "]", METER_MESSAGE);
	assert_nested(515, "[", "]", METER_MESSAGE);
	assert_nested(1000000, "[", "]", METER_MESSAGE);
	assert_nested(600, "{\"usage\":", "}", METER_MESSAGE);
	/* Keys, strings and numbers behind a comma, where the kind is not known any more. */
	assert_nested(600, "{\"a\":1,\"usage\":", ",\"b\":[1,\"c\"]}", METER_MESSAGE);
	assert_nested(600, "[1,{\"a\":2,\"b\":{}},", ",\"x\",null]", METER_MESSAGE);
	/* Up to the limit the brackets must match. */
	assert_nested(600, "[", "}", METER_UNREADABLE);
	assert_nested(600, "[\"a\":", "]", METER_UNREADABLE);
}

/* A line without an end, and one event of eight megabytes. */
static void test_endless(void **state)
{
	static const char head[] = "data: {\"type\":\"message_delta\",\"x\":\"";
	static const char tail[] = "\",\"usage\":{\"output_tokens\":900}}\n\n: ";
	static char block[65536];
	struct usage_meter m;
	struct meter_result r;
	int i;

	(void)state;
	memset(block, 'a', sizeof(block));
	meter_start(&m, METER_STREAM);
	meter_feed(&m, stream, strlen(stream));
	meter_feed(&m, head, sizeof(head) - 1);
	for (i = 0; i < 128; i++)
		meter_feed(&m, block, sizeof(block));
	meter_feed(&m, tail, sizeof(tail) - 1);
	for (i = 0; i < 128; i++)
		meter_feed(&m, block, sizeof(block));
	meter_finish(&m, &r);
	assert_tokens(&r, 12, 900, 2048, 18446);
}

static void test_nothing_is_kept(void **state)
{
	static const char secret[] = "data: {\"type\":\"a conversation\",\"model\":\"another one\","
				     "\"error\":\"a third one";
	struct usage_meter m;
	struct meter_result r;
	unsigned char *p = (unsigned char *)&m;
	size_t i;

	(void)state;
	meter_start(&m, METER_STREAM);
	meter_feed(&m, secret, sizeof(secret) - 1);
	meter_finish(&m, &r);
	for (i = 0; i < sizeof(m); i++)
		assert_int_equal(p[i], 0);
}

static void test_format_of(void **state)
{
	static const struct {
		const char *type;
		enum meter_format format;
	} row[] = {
		{ "application/json", METER_JSON },
		{ "application/json; charset=utf-8", METER_JSON },
		{ "Application/JSON;charset=utf-8", METER_JSON },
		{ "text/event-stream", METER_STREAM },
		{ "text/event-stream ; charset=utf-8", METER_STREAM },
		{ "text/event-streams", METER_OTHER },
		{ "text/event", METER_OTHER },
		{ "text/html", METER_OTHER },
		{ "", METER_OTHER },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(meter_format_of(row[i].type, strlen(row[i].type)), row[i].format);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),		cmocka_unit_test(test_deltas),
		cmocka_unit_test(test_stream_errors),	cmocka_unit_test(test_lines),
		cmocka_unit_test(test_message),		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_models),		cmocka_unit_test(test_bad_json),
		cmocka_unit_test(test_complete),	cmocka_unit_test(test_iterations),
		cmocka_unit_test(test_surcharged),	cmocka_unit_test(test_odd_json),
		cmocka_unit_test(test_depth),		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_nothing_is_kept), cmocka_unit_test(test_format_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
