/*
 * tests/fuzz/fuzz_meter.c - a provider's answer, as ccrun-relay's meter reads it.
 *
 * The first byte says how: its lowest bit the format, the others how the body is divided.
 * What is checked besides memory: any division tells the same as the whole; numbers lie
 * within their bounds; nothing stays in the meter; and where jansson reads the body as
 * an object, the meter has read the same in it, alone and as an event of a stream.
 *
 * Targets: relay/usage_meter.c relay/meter_*.c relay/json_lexer.c
 */
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "relay/usage_meter.h"
#include "tests/fuzz/fuzz.h"

static const char *const kinds[TOKEN_KINDS] = {
	[TOKENS_INPUT] = "input_tokens",
	[TOKENS_OUTPUT] = "output_tokens",
	[TOKENS_CACHE_WRITE] = "cache_creation_input_tokens",
	[TOKENS_CACHE_READ] = "cache_read_input_tokens",
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(fuzz_at_exit);
}

static void meter_end(struct usage_meter *m, struct meter_result *r)
{
	const uint8_t *p = (const uint8_t *)m;
	size_t i;

	meter_finish(m, r);
	for (i = 0; i < sizeof(*m); i++)
		MUST(p[i] == 0);
	for (i = 0; i < TOKEN_KINDS; i++)
		MUST(r->tokens.n[i] <= METER_TOKENS_MAX);
	MUST(r->cost <= METER_COST_MAX || !r->cost_known);
	MUST(strlen(r->model) < sizeof(r->model));
	for (i = 0; r->model[i]; i++)
		MUST(r->model[i] > ' ' && r->model[i] <= '~');
}

static void assert_same(const struct meter_result *a, const struct meter_result *b)
{
	MUST(a->answer == b->answer && a->complete == b->complete && a->error == b->error);
	MUST(memcmp(a->tokens.n, b->tokens.n, sizeof(a->tokens.n)) == 0);
	MUST(memcmp(a->tokens.known, b->tokens.known, sizeof(a->tokens.known)) == 0);
	MUST(a->surcharged == b->surcharged);
	MUST(a->cost_known == b->cost_known && a->cost == b->cost);
	MUST(strcmp(a->model, b->model) == 0);
}

/* In pieces of up to 64 bytes, whose lengths follow from seed. */
static void meter_divided(enum meter_format format, uint32_t seed, const uint8_t *p, size_t n,
			  struct meter_result *r)
{
	struct usage_meter m;
	size_t piece;

	meter_start(&m, format);
	for (; n > 0; p += piece, n -= piece) {
		seed = seed * 1664525 + 1013904223;
		piece = seed < UINT32_MAX / 4 ? 1 : (seed >> 16) % 64;
		piece = piece < n ? piece : n;
		meter_feed(&m, p, piece);
	}
	meter_end(&m, r);
}

/* ---- jansson's reading ---- */

/* Is a member named twice?  Jansson takes the last; in iterations the meter adds both. */
static bool has_duplicates;

static bool is_type(const json_t *v, const char *type)
{
	const char *text = json_string_value(json_object_get(v, "type"));

	return text && strcmp(text, type) == 0;
}

static bool is_said(const json_t *v)
{
	return v && !json_is_null(v);
}

static bool is_count(const json_t *v)
{
	return json_is_integer(v) && json_integer_value(v) >= 0 &&
	       (uint64_t)json_integer_value(v) <= METER_TOKENS_MAX;
}

static void compare_model(const json_t *from, const char *model)
{
	const char *text = json_string_value(json_object_get(from, "model")), *p;
	bool usual = text && strlen(text) <= JSON_LEXER_TEXT_MAX;

	for (p = text; usual && *p; p++)
		usual = *p > ' ' && *p <= '~';
	MUST(strcmp(model, usual ? text : "") == 0);
}

/* A number of more digits than the meter keeps is none; here that needs a long text. */
static void compare_cost(const json_t *cost, const struct meter_result *r, size_t n)
{
	double micros = json_number_value(cost) * 1e6, off;

	if (!json_is_number(cost) || micros < 0 || micros > (double)METER_COST_MAX + 1) {
		MUST(!r->cost_known);
		return;
	}
	if (!r->cost_known) {
		MUST(n > JSON_LEXER_TEXT_MAX || micros > (double)METER_COST_MAX - 1);
		return;
	}
	off = (double)r->cost - micros;
	MUST(off > -0.01 && off < 1.01);
}

/* What usage.iterations adds up to; -1 if that is no number of tokens. */
static json_int_t iterations_sum(const json_t *usage, const char *kind, bool *said)
{
	json_int_t sum = 0;
	json_t *item, *v;
	size_t i;

	*said = false;
	json_array_foreach(json_object_get(usage, "iterations"), i, item)
	{
		v = json_object_get(item, kind);
		*said |= is_said(v);
		if (is_said(v) && sum >= 0)
			sum = is_count(v) ? sum + json_integer_value(v) : -1;
	}
	return sum <= (json_int_t)METER_TOKENS_MAX ? sum : -1;
}

/* What usage says of a kind; -1 if it says nothing, -2 if that cannot be read. */
static json_int_t usage_tokens(const json_t *usage, const char *kind)
{
	const json_t *v = json_object_get(usage, kind);
	bool said;
	json_int_t sum = iterations_sum(usage, kind, &said), top = 0;

	if ((is_said(v) && !is_count(v)) || sum < 0)
		return -2;
	if (!is_said(v) && !said)
		return -1;
	if (is_said(v))
		top = json_integer_value(v);
	return top > sum ? top : sum;
}

static void compare_usage(const json_t *from, const struct meter_result *r, size_t n)
{
	const json_t *usage = json_object_get(from, "usage");
	bool input = usage_tokens(usage, kinds[TOKENS_INPUT]) >= 0;
	json_int_t tokens;
	int i;

	if (has_duplicates && json_array_size(json_object_get(usage, "iterations")) > 0)
		return;
	for (i = 0; i < TOKEN_KINDS; i++) {
		tokens = usage_tokens(usage, kinds[i]);
		if (i == TOKENS_OUTPUT && !r->complete)
			MUST(!r->tokens.known[i] &&
			     (tokens < 0 || r->tokens.n[i] >= (uint64_t)tokens));
		else if (tokens >= 0)
			MUST(r->tokens.known[i] && r->tokens.n[i] == (uint64_t)tokens);
		else if (tokens == -2 || !input || i == TOKENS_OUTPUT)
			MUST(!r->tokens.known[i]);
		else
			MUST(r->tokens.known[i] && r->tokens.n[i] == 0);
	}
	if (r->complete)
		compare_cost(json_object_get(usage, "cost"), r, n);
	else
		MUST(!r->cost_known);
	compare_model(from, r->model);
}

static void compare_body(const json_t *root, const struct meter_result *r, size_t n)
{
	bool usage = json_is_object(json_object_get(root, "usage"));

	MUST(r->error == (is_said(json_object_get(root, "error")) || is_type(root, "error")));
	MUST((r->answer == METER_MESSAGE) == (usage || is_type(root, "message")));
	if (r->answer == METER_MESSAGE)
		compare_usage(root, r, n);
	else
		MUST((r->answer == METER_COUNT) ==
		     (!r->error && is_count(json_object_get(root, kinds[TOKENS_INPUT]))));
}

/* The same text as the one event of a stream. */
static void compare_event(const json_t *root, const uint8_t *p, size_t n)
{
	bool start = is_type(root, "message_start"), delta = is_type(root, "message_delta");
	struct meter_result r;
	struct usage_meter m;

	if (memchr(p, '\n', n) || memchr(p, '\r', n))
		return;
	meter_start(&m, METER_STREAM);
	meter_feed(&m, "data:", 5);
	/* One blank behind the colon belongs to the line's form; in JSON it means nothing. */
	meter_feed(&m, p, n);
	meter_feed(&m, "\n\n", 2);
	meter_end(&m, &r);
	MUST((r.answer == METER_MESSAGE) == (start || delta));
	if (start)
		compare_usage(json_object_get(root, "message"), &r, n);
	else if (delta)
		compare_usage(root, &r, n);
	MUST(r.complete ==
	     (delta && json_is_object(json_object_get(root, "usage")) &&
	      is_said(json_object_get(json_object_get(root, "delta"), "stop_reason"))));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum meter_format format;
	struct meter_result whole, divided;
	struct usage_meter m;
	json_t *root;
	uint8_t how;

	if (n == 0)
		return 0;
	fuzz_inputs++;
	how = *p++;
	n--;
	format = how & 1 ? METER_STREAM : METER_JSON;
	meter_start(&m, format);
	meter_feed(&m, p, n);
	meter_end(&m, &whole);
	meter_divided(format, how, p, n, &divided);
	assert_same(&whole, &divided);
	fuzz_understood += whole.answer != METER_UNKNOWN;

	/* jansson overlooks a NUL behind a number. */
	if (n == 0 || format != METER_JSON || memchr(p, '\0', n))
		return 0;
	root = json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES, NULL);
	has_duplicates = !root;
	if (!root)
		root = json_loadb((const char *)p, n, 0, NULL);
	if (json_is_object(root)) {
		compare_body(root, &whole, n);
		compare_event(root, p, n);
	} else if (root) {
		MUST(whole.answer == METER_UNREADABLE);
	}
	json_decref(root);
	return 0;
}
