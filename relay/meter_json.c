/*
 * relay/meter_json.c - what one JSON text of an answer says of its usage.
 */
#include "relay/meter_json.h"

#include <string.h>

#include "base/io.h"
#include "relay/meter_numbers.h"

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
	if (!is_number || !text || !meter_tokens_parse(text, &n) || n > METER_TOKENS_MAX - sum->n) {
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
		if (token == JSON_TOKEN_NUMBER && text && meter_tokens_parse(text, &n) && n == 0)
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
	ok = text &&
	     (m->member == MEMBER_COST ? meter_cost_parse : meter_tokens_parse)(text, &number->n);
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

void meter_json_start(struct usage_meter *m)
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

void meter_json_feed(struct usage_meter *m, const uint8_t *p, const uint8_t *end)
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
