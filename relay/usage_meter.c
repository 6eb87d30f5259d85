/*
 * relay/usage_meter.c - reads out of an answer of the Messages API what it cost.
 *
 * https://docs.anthropic.com/en/api/messages-streaming: message_start has the model and
 * the usage so far in "message", message_delta a cumulative "usage".  usage.iterations
 * lists the runs that an answer consists of; the numbers at usage's top leave out those of
 * some (compaction).  What OpenRouter adds is usage.cost, in dollars.
 */
#include "relay/usage_meter.h"

#include <string.h>

#include "base/io.h"
#include "relay/byte_scan.h"
#include "relay/http_text.h"
#include "relay/meter_json.h"

enum line_part {
	LINE_NAME,	 /* its field's name */
	LINE_DATA_FIRST, /* behind "data:", where one blank does not count */
	LINE_DATA,
	LINE_OTHER
};

/* ---- what the texts say together ---- */

/*
 * The numbers are cumulative, so the largest one counts; some providers send 0 at the
 * end for what they counted at the start.  One that cannot be read makes the earlier one
 * a lower bound.
 */
static void number_apply(const struct meter_number *from, uint64_t *n, bool *known)
{
	if (from->state == NUMBER_ABSENT)
		return;
	*known = from->state == NUMBER_READ;
	if (from->n > *n)
		*n = from->n;
}

/* What usage says of a kind, at its top or by its iterations: the larger number. */
static struct meter_number reading_tokens(const struct meter_reading *r, int kind)
{
	struct meter_number n = r->tokens[kind];
	const struct meter_number *sum = &r->iterations[kind];

	if (sum->n > n.n)
		n.n = sum->n;
	if (sum->state > n.state)
		n.state = sum->state;
	return n;
}

static void reading_apply(struct usage_meter *m, const struct meter_reading *from)
{
	struct meter_result *r = &m->result;
	struct meter_number tokens;
	int i;

	r->surcharged |= from->surcharged;
	for (i = 0; i < TOKEN_KINDS; i++) {
		tokens = reading_tokens(from, i);
		m->mentioned[i] |= tokens.state != NUMBER_ABSENT;
		number_apply(&tokens, &r->tokens.n[i], &r->tokens.known[i]);
	}
	number_apply(&from->cost, &r->cost, &r->cost_known);
	if (from->model[0])
		memcpy(r->model, from->model, sizeof(r->model));
}

static void event_apply(struct usage_meter *m)
{
	struct meter_result *r = &m->result;

	if (m->type == TYPE_MESSAGE_START) {
		r->answer = METER_MESSAGE;
		reading_apply(m, &m->message);
	} else if (m->type == TYPE_MESSAGE_DELTA) {
		r->answer = METER_MESSAGE;
		m->has_delta |= m->top.has_usage;
		/* Some providers send no message_stop. */
		r->complete |= m->top.has_usage && m->has_stop_reason && !m->unreadable;
		reading_apply(m, &m->top);
	} else if (m->type == TYPE_MESSAGE_STOP) {
		r->complete |= m->has_delta && !m->unreadable;
	}
}

static void body_apply(struct usage_meter *m)
{
	struct meter_result *r = &m->result;

	if (m->top.has_usage || m->type == TYPE_MESSAGE) {
		r->answer = METER_MESSAGE;
		r->complete = true;
		reading_apply(m, &m->top);
	} else if (m->count.state == NUMBER_READ && !r->error) {
		r->answer = METER_COUNT;
		r->complete = true;
	}
}

/* A JSON text ended: apply it if it is a whole one. */
static void json_apply(struct usage_meter *m)
{
	if (!json_lexer_complete(&m->lexer)) {
		/* What an event says that cannot be read may be what comes last. */
		m->unreadable |= m->has_text || m->format == METER_JSON;
		return;
	}
	m->result.error |= m->has_error || m->type == TYPE_ERROR;
	if (m->format == METER_STREAM)
		event_apply(m);
	else
		body_apply(m);
}

/* ---- server-sent events ---- */

static void line_start(struct usage_meter *m)
{
	m->part = LINE_NAME;
	m->matched = 0;
	m->line_is_empty = true;
}

static void line_end(struct usage_meter *m)
{
	if (m->line_is_empty) {
		json_apply(m);
		meter_json_start(m);
		m->has_data = false;
	}
	m->at_start = false;
	line_start(m);
}

/* The first bytes of a stream may be a byte order mark; is c one of them? */
static bool skip_bom(struct usage_meter *m, uint8_t c)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };

	if (!m->at_start)
		return false;
	if (c != bom[m->bom]) {
		m->at_start = false;
		/* Half of one is the beginning of a field that nobody knows. */
		if (m->bom > 0)
			m->part = LINE_OTHER;
		return false;
	}
	m->line_is_empty = false;
	if (++m->bom == sizeof(bom)) {
		m->at_start = false;
		m->line_is_empty = true;
	}
	return true;
}

/* One byte of a line's beginning. */
static void line_begin(struct usage_meter *m, uint8_t c)
{
	static const char name[] = "data:";
	static const uint8_t newline = '\n';

	if (skip_bom(m, c))
		return;
	m->line_is_empty = false;
	if (m->part == LINE_DATA_FIRST) {
		m->part = LINE_DATA;
		if (c != ' ')
			meter_json_feed(m, &c, &c + 1);
	} else if (m->part == LINE_NAME && c == (uint8_t)name[m->matched]) {
		if (name[++m->matched])
			return;
		m->part = LINE_DATA_FIRST;
		/* The lines of an event are one text. */
		if (m->has_data)
			meter_json_feed(m, &newline, &newline + 1);
		m->has_data = true;
	} else {
		m->part = LINE_OTHER;
	}
}

static void stream_feed(struct usage_meter *m, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from;

	while (p < end) {
		if (*p == '\n' || *p == '\r') {
			if (*p != '\n' || !m->after_cr)
				line_end(m);
			m->after_cr = *p++ == '\r';
			continue;
		}
		m->after_cr = false;
		if (m->part == LINE_NAME || m->part == LINE_DATA_FIRST) {
			line_begin(m, *p++);
			continue;
		}
		from = p;
		p = byte_scan_line(p, end);
		if (m->part == LINE_DATA)
			meter_json_feed(m, from, p);
	}
}

/* ---- an answer ---- */

enum meter_format meter_format_of(const char *content_type, size_t n)
{
	static const struct {
		const char *name;
		enum meter_format format;
	} known[] = { { "application/json", METER_JSON }, { "text/event-stream", METER_STREAM } };
	size_t i, len = 0;

	while (len < n && content_type[len] != ';' && content_type[len] != ' ' &&
	       content_type[len] != '\t')
		len++;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (http_word_is((struct http_view){ content_type, len }, known[i].name))
			return known[i].format;
	return METER_OTHER;
}

void meter_start(struct usage_meter *m, enum meter_format format)
{
	memset(m, 0, sizeof(*m));
	m->format = format;
	m->at_start = true;
	meter_json_start(m);
	line_start(m);
}

void meter_feed(struct usage_meter *m, const void *p, size_t n)
{
	const uint8_t *bytes = p;

	if (n == 0)
		return;
	if (m->format == METER_JSON)
		meter_json_feed(m, bytes, bytes + n);
	else if (m->format == METER_STREAM)
		stream_feed(m, bytes, bytes + n);
}

void meter_finish(struct usage_meter *m, struct meter_result *out)
{
	static const enum token_kind cache[] = { TOKENS_CACHE_WRITE, TOKENS_CACHE_READ };
	unsigned i;

	/* The last event may lack the empty line behind it. */
	json_apply(m);
	*out = m->result;
	if (out->answer == METER_UNKNOWN && m->unreadable)
		out->answer = METER_UNREADABLE;
	if (!out->complete)
		out->tokens.known[TOKENS_OUTPUT] = out->cost_known = false;
	for (i = 0; i < sizeof(cache) / sizeof(cache[0]); i++)
		if (out->tokens.known[TOKENS_INPUT] && !m->mentioned[cache[i]])
			out->tokens.known[cache[i]] = true;
	io_wipe(m, sizeof(*m));
}
