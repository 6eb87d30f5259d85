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
#include "relay/http_text.h"

enum meter_place {
	PLACE_OTHER,
	PLACE_TOP,
	PLACE_MESSAGE,
	PLACE_DELTA,
	PLACE_USAGE,
	PLACE_ITERATIONS,     /* the array */
	PLACE_ITERATION,      /* one object of it */
	PLACE_CACHE_CREATION, /* of usage, or of an iteration */
	PLACE_SERVER_TOOLS
};

enum meter_member {
	MEMBER_OTHER,
	MEMBER_TYPE,
	MEMBER_MODEL,
	MEMBER_MESSAGE,
	MEMBER_USAGE,
	MEMBER_ERROR,
	MEMBER_COUNT, /* input_tokens at the top: the answer of count_tokens */
	MEMBER_DELTA,
	MEMBER_STOP_REASON,
	MEMBER_ITERATIONS,
	MEMBER_CACHE_CREATION,
	MEMBER_SERVER_TOOLS,
	MEMBER_EXTRA_COUNT, /* surcharged unless it is 0 */
	MEMBER_SPEED,	    /* and the next three: surcharged unless it is usual */
	MEMBER_SERVICE_TIER,
	MEMBER_GEO,
	MEMBER_ITERATION_TYPE,
	MEMBER_COST,
	MEMBER_TOKENS,				       /* and on: by kind */
	MEMBER_ITERATION = MEMBER_TOKENS + TOKEN_KINDS /* and on: by kind */
};

enum meter_type {
	TYPE_OTHER,
	TYPE_MESSAGE,
	TYPE_MESSAGE_START,
	TYPE_MESSAGE_DELTA,
	TYPE_MESSAGE_STOP,
	TYPE_ERROR
};

enum line_part {
	LINE_NAME,	 /* its field's name */
	LINE_DATA_FIRST, /* behind "data:", where one blank does not count */
	LINE_DATA,
	LINE_OTHER
};

static const struct {
	const char *name;
	uint8_t place, member;
} members[] = {
	{ "type", PLACE_TOP, MEMBER_TYPE },
	{ "model", PLACE_TOP, MEMBER_MODEL },
	{ "message", PLACE_TOP, MEMBER_MESSAGE },
	{ "usage", PLACE_TOP, MEMBER_USAGE },
	{ "error", PLACE_TOP, MEMBER_ERROR },
	{ "input_tokens", PLACE_TOP, MEMBER_COUNT },
	{ "model", PLACE_MESSAGE, MEMBER_MODEL },
	{ "usage", PLACE_MESSAGE, MEMBER_USAGE },
	{ "delta", PLACE_TOP, MEMBER_DELTA },
	{ "stop_reason", PLACE_DELTA, MEMBER_STOP_REASON },
	{ "cost", PLACE_USAGE, MEMBER_COST },
	{ "input_tokens", PLACE_USAGE, MEMBER_TOKENS + (int)TOKENS_INPUT },
	{ "output_tokens", PLACE_USAGE, MEMBER_TOKENS + (int)TOKENS_OUTPUT },
	{ "cache_creation_input_tokens", PLACE_USAGE, MEMBER_TOKENS + (int)TOKENS_CACHE_WRITE },
	{ "cache_read_input_tokens", PLACE_USAGE, MEMBER_TOKENS + (int)TOKENS_CACHE_READ },
	{ "iterations", PLACE_USAGE, MEMBER_ITERATIONS },
	{ "cache_creation", PLACE_USAGE, MEMBER_CACHE_CREATION },
	{ "server_tool_use", PLACE_USAGE, MEMBER_SERVER_TOOLS },
	{ "speed", PLACE_USAGE, MEMBER_SPEED },
	{ "service_tier", PLACE_USAGE, MEMBER_SERVICE_TIER },
	{ "inference_geo", PLACE_USAGE, MEMBER_GEO },
	{ "type", PLACE_ITERATION, MEMBER_ITERATION_TYPE },
	{ "cache_creation", PLACE_ITERATION, MEMBER_CACHE_CREATION },
	{ "input_tokens", PLACE_ITERATION, MEMBER_ITERATION + (int)TOKENS_INPUT },
	{ "output_tokens", PLACE_ITERATION, MEMBER_ITERATION + (int)TOKENS_OUTPUT },
	{ "cache_creation_input_tokens", PLACE_ITERATION,
	  MEMBER_ITERATION + (int)TOKENS_CACHE_WRITE },
	{ "cache_read_input_tokens", PLACE_ITERATION, MEMBER_ITERATION + (int)TOKENS_CACHE_READ },
	{ "ephemeral_1h_input_tokens", PLACE_CACHE_CREATION, MEMBER_EXTRA_COUNT },
};

/* What the list prices are for. */
static const struct {
	uint8_t member;
	const char *text;
} usual[] = {
	{ MEMBER_SPEED, "standard" },
	{ MEMBER_SERVICE_TIER, "standard" },
	{ MEMBER_GEO, "global" },
	{ MEMBER_GEO, "not_available" },
	{ MEMBER_GEO, "" },
	{ MEMBER_ITERATION_TYPE, "message" },
	{ MEMBER_ITERATION_TYPE, "compaction" },
};

static const struct {
	const char *name;
	uint8_t type;
} types[] = {
	{ "message", TYPE_MESSAGE },
	{ "message_start", TYPE_MESSAGE_START },
	{ "message_delta", TYPE_MESSAGE_DELTA },
	{ "message_stop", TYPE_MESSAGE_STOP },
	{ "error", TYPE_ERROR },
};

/* ---- numbers ---- */

/* A whole number in JSON's notation, which the lexer has checked. */
static bool tokens_parse(const char *text, uint64_t *out)
{
	bool negative = *text == '-';
	uint64_t n = 0;

	for (text += negative; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > METER_TOKENS_MAX)
			return false;
	}
	if (*text || (negative && n))
		return false;
	*out = n;
	return true;
}

/* The exponent behind an e; one that is far out of reach stays there. */
static int exponent_parse(const char *text)
{
	bool negative = *text == '-';
	int n = 0;

	for (text += negative || *text == '+'; *text; text++)
		n = n < 1000 ? n * 10 + (*text - '0') : n;
	return negative ? -n : n;
}

/* n times ten to the power of `power`, rounded up; false if over METER_COST_MAX. */
static bool cost_scale(uint64_t n, int power, bool more, uint64_t *out)
{
	for (; power > 0 && n > 0; power--) {
		if (n > METER_COST_MAX / 10)
			return false;
		n *= 10;
	}
	for (; power < 0 && n > 0; power++) {
		more |= n % 10 != 0;
		n /= 10;
	}
	n += more;
	*out = n;
	return n <= METER_COST_MAX;
}

/* Dollars in JSON's notation, as micro-dollars. */
static bool cost_parse(const char *text, uint64_t *out)
{
	bool negative = *text == '-', after_point = false, more = false;
	int power = 6; /* micro-dollars */
	uint64_t n = 0;

	for (text += negative; *text && *text != 'e' && *text != 'E'; text++) {
		if (*text == '.') {
			after_point = true;
			continue;
		}
		/* Eighteen digits are more than the providers' floating point has. */
		if (n < UINT64_C(100000000000000000)) {
			n = n * 10 + (uint64_t)(*text - '0');
			power -= after_point;
		} else {
			more |= *text != '0';
			power += !after_point;
		}
	}
	if (negative && n > 0)
		return false;
	if (*text)
		power += exponent_parse(text + 1);
	return cost_scale(n, power, more, out);
}

/* ---- a JSON text ---- */

static enum meter_place current_place(const struct usage_meter *m)
{
	unsigned depth = m->lexer.depth;

	return depth < sizeof(m->place) ? m->place[depth] : PLACE_OTHER;
}

/* A member of usage, message or the top belongs to which reading? */
static struct meter_reading *current_reading(struct usage_meter *m)
{
	return m->lexer.depth > 1 && m->place[2] == PLACE_MESSAGE ? &m->message : &m->top;
}

static struct meter_number *member_number(struct usage_meter *m)
{
	if (m->member == MEMBER_COUNT)
		return &m->count;
	if (m->member == MEMBER_COST)
		return &current_reading(m)->cost;
	if (m->member >= MEMBER_TOKENS && m->member < MEMBER_ITERATION)
		return &current_reading(m)->tokens[m->member - MEMBER_TOKENS];
	return NULL;
}

static void usage_forget(struct meter_reading *r)
{
	r->has_usage = r->surcharged = false;
	memset(r->tokens, 0, sizeof(r->tokens));
	memset(r->iterations, 0, sizeof(r->iterations));
	memset(&r->cost, 0, sizeof(r->cost));
}

/* Of members with the same name the last one counts, as in JavaScript. */
static void member_forget(struct usage_meter *m)
{
	struct meter_number *number = member_number(m);

	if (number)
		memset(number, 0, sizeof(*number));
	else if (m->member == MEMBER_TYPE)
		m->type = TYPE_OTHER;
	else if (m->member == MEMBER_MODEL)
		current_reading(m)->model[0] = '\0';
	else if (m->member == MEMBER_MESSAGE)
		memset(&m->message, 0, sizeof(m->message));
	else if (m->member == MEMBER_USAGE)
		usage_forget(current_reading(m));
	else if (m->member == MEMBER_ERROR)
		m->has_error = false;
	else if (m->member == MEMBER_DELTA || m->member == MEMBER_STOP_REASON)
		m->has_stop_reason = false;
	else if (m->member == MEMBER_ITERATIONS)
		memset(current_reading(m)->iterations, 0, sizeof(m->top.iterations));
}

static void read_key(struct usage_meter *m, const char *name)
{
	unsigned i;

	m->member = current_place(m) == PLACE_SERVER_TOOLS ? MEMBER_EXTRA_COUNT : MEMBER_OTHER;
	for (i = 0; name && i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].place == current_place(m) && strcmp(members[i].name, name) == 0)
			m->member = members[i].member;
	member_forget(m);
}

/* Which object or array begins at this depth? */
static enum meter_place place_opened(const struct usage_meter *m, bool object)
{
	unsigned depth = m->lexer.depth;

	if (depth == 1)
		return PLACE_TOP;
	if (depth >= sizeof(m->place))
		return PLACE_OTHER;
	if (!object)
		return m->member == MEMBER_ITERATIONS ? PLACE_ITERATIONS : PLACE_OTHER;
	if (m->place[depth - 1] == PLACE_ITERATIONS)
		return PLACE_ITERATION;
	switch (m->member) {
	case MEMBER_MESSAGE:
		return PLACE_MESSAGE;
	case MEMBER_DELTA:
		return PLACE_DELTA;
	case MEMBER_USAGE:
		return PLACE_USAGE;
	case MEMBER_CACHE_CREATION:
		return PLACE_CACHE_CREATION;
	case MEMBER_SERVER_TOOLS:
		return PLACE_SERVER_TOOLS;
	default:
		return PLACE_OTHER;
	}
}

static void read_open(struct usage_meter *m, bool object)
{
	unsigned depth = m->lexer.depth;
	uint8_t place = (uint8_t)place_opened(m, object);

	if (depth < sizeof(m->place))
		m->place[depth] = place;
	if (place == PLACE_USAGE)
		current_reading(m)->has_usage = true;
}

static void read_string(struct usage_meter *m, const char *text)
{
	unsigned i;

	if (m->member == MEMBER_TYPE)
		for (i = 0; text && i < sizeof(types) / sizeof(types[0]); i++)
			if (strcmp(types[i].name, text) == 0)
				m->type = types[i].type;
	if (m->member == MEMBER_MODEL && text && !strchr(text, ' '))
		memcpy(current_reading(m)->model, text, strlen(text) + 1);
}

/* Add to what the iterations of this usage come to so far. */
static void iteration_add(struct meter_number *sum, bool is_number, const char *text)
{
	uint64_t n;

	if (sum->state == NUMBER_UNREADABLE)
		return;
	if (!is_number || !text || !tokens_parse(text, &n) || n > METER_TOKENS_MAX - sum->n) {
		*sum = (struct meter_number){ NUMBER_UNREADABLE, 0 };
		return;
	}
	sum->state = NUMBER_READ;
	sum->n += n;
}

/* A member of usage that may say that the list prices do not hold. */
static void read_terms(struct usage_meter *m, enum json_token token, const char *text)
{
	uint64_t n;
	unsigned i;

	if (m->member == MEMBER_EXTRA_COUNT) {
		if (token == JSON_TOKEN_NUMBER && text && tokens_parse(text, &n) && n == 0)
			return;
	} else if (m->member >= MEMBER_SPEED && m->member <= MEMBER_ITERATION_TYPE) {
		for (i = 0; text && i < sizeof(usual) / sizeof(usual[0]); i++)
			if (token == JSON_TOKEN_STRING && usual[i].member == m->member &&
			    strcmp(usual[i].text, text) == 0)
				return;
	} else {
		return;
	}
	current_reading(m)->surcharged = true;
}

static void read_number(struct usage_meter *m, const char *text)
{
	struct meter_number *number = member_number(m);
	bool ok;

	if (!number)
		return;
	ok = text && (m->member == MEMBER_COST ? cost_parse : tokens_parse)(text, &number->n);
	number->state = ok ? NUMBER_READ : NUMBER_UNREADABLE;
	if (!ok)
		number->n = 0;
}

/* The value of a member, or an item of an array. */
static void read_value(struct usage_meter *m, enum json_token token)
{
	struct meter_number *number = member_number(m);
	const char *text = json_lexer_text(&m->lexer);

	if (token == JSON_TOKEN_NULL)
		return; /* as if it were not there */
	read_terms(m, token, text);
	if (m->member >= MEMBER_ITERATION)
		iteration_add(&current_reading(m)->iterations[m->member - MEMBER_ITERATION],
			      token == JSON_TOKEN_NUMBER, text);
	if (token == JSON_TOKEN_NUMBER)
		read_number(m, text);
	else if (number)
		number->state = NUMBER_UNREADABLE;
	if (token == JSON_TOKEN_STRING)
		read_string(m, text);
	if (token == JSON_TOKEN_OBJECT || token == JSON_TOKEN_ARRAY)
		read_open(m, token == JSON_TOKEN_OBJECT);
	if (m->member == MEMBER_ERROR)
		m->has_error = true;
	if (m->member == MEMBER_STOP_REASON)
		m->has_stop_reason = true;
}

static void json_start(struct usage_meter *m)
{
	json_lexer_start(&m->lexer);
	memset(m->place, PLACE_OTHER, sizeof(m->place));
	m->member = MEMBER_OTHER;
	m->type = TYPE_OTHER;
	m->has_error = m->has_stop_reason = m->has_text = false;
	memset(&m->count, 0, sizeof(m->count));
	memset(&m->top, 0, sizeof(m->top));
	memset(&m->message, 0, sizeof(m->message));
}

static void json_feed(struct usage_meter *m, const uint8_t *p, const uint8_t *end)
{
	enum json_token token;

	m->has_text |= p < end;
	while ((token = json_lexer_next(&m->lexer, &p, end)) != JSON_TOKEN_NONE &&
	       token != JSON_TOKEN_BAD) {
		if (token == JSON_TOKEN_KEY) {
			read_key(m, json_lexer_text(&m->lexer));
			m->lexer.keep = m->member != MEMBER_OTHER;
			continue;
		}
		if (token != JSON_TOKEN_END)
			read_value(m, token);
		m->member = MEMBER_OTHER;
		/* The keys of other objects are none of the meter's business. */
		m->lexer.keep = current_place(m) != PLACE_OTHER;
	}
}

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
		json_start(m);
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
			json_feed(m, &c, &c + 1);
	} else if (m->part == LINE_NAME && c == (uint8_t)name[m->matched]) {
		if (name[++m->matched])
			return;
		m->part = LINE_DATA_FIRST;
		/* The lines of an event are one text. */
		if (m->has_data)
			json_feed(m, &newline, &newline + 1);
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
		for (from = p; p < end && *p != '\n' && *p != '\r';)
			p++;
		if (m->part == LINE_DATA)
			json_feed(m, from, p);
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
	json_start(m);
	line_start(m);
}

void meter_feed(struct usage_meter *m, const void *p, size_t n)
{
	const uint8_t *bytes = p;

	if (n == 0)
		return;
	if (m->format == METER_JSON)
		json_feed(m, bytes, bytes + n);
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
