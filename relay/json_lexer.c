/*
 * relay/json_lexer.c - the tokens of a JSON text as its bytes arrive, in constant memory.
 */
#include "relay/json_lexer.h"

#include <limits.h>
#include <string.h>

#include "relay/byte_scan.h"

enum lex_state {
	LEX_START,	 /* the outermost object is to come */
	LEX_VALUE,	 /* a value is to come */
	LEX_FIRST_VALUE, /* ... or the array's end */
	LEX_KEY,
	LEX_FIRST_KEY, /* a key or the object's end */
	LEX_COLON,
	LEX_AFTER, /* a comma or the container's end */
	LEX_STRING,
	LEX_ESCAPE,
	LEX_HEX,
	LEX_NUMBER,
	LEX_LITERAL,
	LEX_COMPLETE,
	LEX_BAD
};

enum number_state {
	NUMBER_MINUS,
	NUMBER_ZERO, /* a leading 0: no digit may follow */
	NUMBER_WHOLE,
	NUMBER_POINT,
	NUMBER_FRACTION,
	NUMBER_E,
	NUMBER_E_SIGN,
	NUMBER_EXPONENT
};

void json_lexer_start(struct json_lexer *s)
{
	memset(s, 0, sizeof(*s));
	s->state = LEX_START;
}

const char *json_lexer_text(const struct json_lexer *s)
{
	return s->keep && !s->unfit ? s->text : NULL;
}

bool json_lexer_complete(const struct json_lexer *s)
{
	return s->state == LEX_COMPLETE;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static enum json_token lex_refuse(struct json_lexer *s)
{
	s->state = LEX_BAD;
	return JSON_TOKEN_BAD;
}

static void text_begin(struct json_lexer *s)
{
	s->len = 0;
	s->text[0] = '\0';
	s->unfit = false;
}

static void text_add(struct json_lexer *s, unsigned c)
{
	if (!s->keep || s->unfit)
		return;
	if (c < 0x20 || c > 0x7e || s->len == JSON_LEXER_TEXT_MAX) {
		s->unfit = true;
		return;
	}
	s->text[s->len++] = (char)c;
	s->text[s->len] = '\0';
}

/* Is the open container nested so deep that its kind is not known? */
static bool container_is_deep(const struct json_lexer *s)
{
	return s->depth > JSON_LEXER_DEPTH_MAX;
}

static bool container_is_object(const struct json_lexer *s)
{
	unsigned i = s->depth - 1;

	return s->objects[i / 8] >> i % 8 & 1;
}

bool json_lexer_awaits_key(const struct json_lexer *s)
{
	return s->state == LEX_FIRST_KEY || s->state == LEX_KEY ||
	       (s->state == LEX_AFTER && !container_is_deep(s) && container_is_object(s));
}

static enum json_token container_open(struct json_lexer *s, bool object)
{
	unsigned i = s->depth;
	unsigned bit = 1u << i % 8;
	uint8_t *bits;

	if (i == UINT_MAX)
		return lex_refuse(s);
	if (i < JSON_LEXER_DEPTH_MAX) {
		bits = &s->objects[i / 8];
		*bits = (uint8_t)(object ? *bits | bit : *bits & ~bit);
	}
	s->depth++;
	s->state = object ? LEX_FIRST_KEY : LEX_FIRST_VALUE;
	return object ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
}

static enum json_token container_close(struct json_lexer *s, bool object)
{
	if (!container_is_deep(s) && container_is_object(s) != object)
		return lex_refuse(s);
	s->depth--;
	s->state = s->depth ? LEX_AFTER : LEX_COMPLETE;
	return JSON_TOKEN_END;
}

static enum json_token literal_begin(struct json_lexer *s, const char *rest, enum json_token token)
{
	s->state = LEX_LITERAL;
	s->literal = rest;
	s->truth = token == JSON_TOKEN_BOOL && strcmp(rest, "rue") == 0;
	s->literal_token = token;
	return JSON_TOKEN_NONE;
}

/* NaN or Infinity: some providers' encoders write them.  A number without a text. */
static enum json_token not_finite_begin(struct json_lexer *s, const char *rest)
{
	s->unfit = true;
	return literal_begin(s, rest, JSON_TOKEN_NUMBER);
}

static enum json_token string_begin(struct json_lexer *s, bool is_key)
{
	text_begin(s);
	s->is_key = is_key;
	s->state = LEX_STRING;
	return JSON_TOKEN_NONE;
}

static enum json_token value_begin(struct json_lexer *s, uint8_t c)
{
	switch (c) {
	case '{':
		return container_open(s, true);
	case '[':
		return container_open(s, false);
	case '"':
		return string_begin(s, false);
	case 't':
		return literal_begin(s, "rue", JSON_TOKEN_BOOL);
	case 'f':
		return literal_begin(s, "alse", JSON_TOKEN_BOOL);
	case 'n':
		return literal_begin(s, "ull", JSON_TOKEN_NULL);
	case 'N':
		return not_finite_begin(s, "aN");
	case 'I':
		return not_finite_begin(s, "nfinity");
	default:
		break;
	}
	if (c != '-' && !is_digit(c))
		return lex_refuse(s);
	text_begin(s);
	text_add(s, c);
	s->number = c == '-' ? NUMBER_MINUS : c == '0' ? NUMBER_ZERO : NUMBER_WHOLE;
	s->state = LEX_NUMBER;
	return JSON_TOKEN_NONE;
}

/* May c go on with the number?  Then number moves on. */
static bool number_continue(uint8_t *number, uint8_t c)
{
	/* The state that a digit, a point, an e and a sign lead to; 0 for none: nothing
	   leads to NUMBER_MINUS. */
	static const uint8_t next[][4] = {
		[NUMBER_MINUS] = { NUMBER_WHOLE, 0, 0, 0 },
		[NUMBER_ZERO] = { 0, NUMBER_POINT, NUMBER_E, 0 },
		[NUMBER_WHOLE] = { NUMBER_WHOLE, NUMBER_POINT, NUMBER_E, 0 },
		[NUMBER_POINT] = { NUMBER_FRACTION, 0, 0, 0 },
		[NUMBER_FRACTION] = { NUMBER_FRACTION, 0, NUMBER_E, 0 },
		[NUMBER_E] = { NUMBER_EXPONENT, 0, 0, NUMBER_E_SIGN },
		[NUMBER_E_SIGN] = { NUMBER_EXPONENT, 0, 0, 0 },
		[NUMBER_EXPONENT] = { NUMBER_EXPONENT, 0, 0, 0 },
	};
	uint8_t to = 0;

	if (is_digit(c))
		to = *number == NUMBER_MINUS && c == '0' ? NUMBER_ZERO : next[*number][0];
	else if (c == '.')
		to = next[*number][1];
	else if (c == 'e' || c == 'E')
		to = next[*number][2];
	else if (c == '+' || c == '-')
		to = next[*number][3];
	if (to)
		*number = to;
	return to != 0;
}

static bool number_may_end(uint8_t number)
{
	return number == NUMBER_ZERO || number == NUMBER_WHOLE || number == NUMBER_FRACTION ||
	       number == NUMBER_EXPONENT;
}

/* Only the byte behind a number says that it ended; that byte is left to be read. */
static enum json_token lex_number(struct json_lexer *s, const uint8_t **p, const uint8_t *end)
{
	for (; *p < end; (*p)++) {
		if (number_continue(&s->number, **p)) {
			text_add(s, **p);
			continue;
		}
		if (s->number == NUMBER_MINUS && **p == 'I') {
			(*p)++;
			return not_finite_begin(s, "nfinity");
		}
		if (!number_may_end(s->number))
			return lex_refuse(s);
		s->state = LEX_AFTER;
		return JSON_TOKEN_NUMBER;
	}
	return JSON_TOKEN_NONE;
}

static enum json_token lex_string(struct json_lexer *s, const uint8_t **p, const uint8_t *end)
{
	const uint8_t *from = *p;
	uint8_t c;

	/* Most of a conversation is in here. */
	*p = byte_scan_string(*p, end);
	for (; s->keep && !s->unfit && from < *p; from++)
		text_add(s, *from);
	if (*p == end)
		return JSON_TOKEN_NONE;
	c = *(*p)++;
	if (c == '\\') {
		s->state = LEX_ESCAPE;
		return JSON_TOKEN_NONE;
	}
	if (c != '"')
		return lex_refuse(s);
	s->state = s->is_key ? LEX_COLON : LEX_AFTER;
	return s->is_key ? JSON_TOKEN_KEY : JSON_TOKEN_STRING;
}

static enum json_token lex_escape(struct json_lexer *s, uint8_t c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u') {
		s->hex = 0;
		s->hex_left = 4;
		s->state = LEX_HEX;
		return JSON_TOKEN_NONE;
	}
	if (!at)
		return lex_refuse(s);
	text_add(s, (unsigned char)to[at - from]);
	s->state = LEX_STRING;
	return JSON_TOKEN_NONE;
}

static enum json_token lex_hex(struct json_lexer *s, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	if (!at)
		return lex_refuse(s);
	s->hex = (uint16_t)(s->hex << 4 | (at - digits));
	if (--s->hex_left == 0) {
		text_add(s, s->hex);
		s->state = LEX_STRING;
	}
	return JSON_TOKEN_NONE;
}

static enum json_token lex_literal(struct json_lexer *s, uint8_t c)
{
	if (c != (uint8_t)*s->literal)
		return lex_refuse(s);
	if (*++s->literal)
		return JSON_TOKEN_NONE;
	s->state = LEX_AFTER;
	return s->literal_token;
}

/* A byte before the outermost object; a byte order mark may be there. */
static enum json_token lex_start(struct json_lexer *s, uint8_t c)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
	bool within = s->bom > 0 && s->bom < sizeof(bom);

	if (s->bom < sizeof(bom) && c == bom[s->bom]) {
		s->bom++;
		return JSON_TOKEN_NONE;
	}
	if (is_blank(c) && !within)
		return JSON_TOKEN_NONE;
	return c == '{' && !within ? container_open(s, true) : lex_refuse(s);
}

/* Behind a value: a comma or the container's end. */
static enum json_token lex_after(struct json_lexer *s, uint8_t c)
{
	if (c == '}' || c == ']')
		return container_close(s, c == '}');
	/* Of a container that is too deep it is not known whether the string was a key. */
	if (c == ':' && container_is_deep(s)) {
		s->state = LEX_VALUE;
		return JSON_TOKEN_NONE;
	}
	if (c != ',')
		return lex_refuse(s);
	s->state = !container_is_deep(s) && container_is_object(s) ? LEX_KEY : LEX_VALUE;
	return JSON_TOKEN_NONE;
}

/* A byte between the tokens, or the first one of one. */
static enum json_token lex_between(struct json_lexer *s, uint8_t c)
{
	if (is_blank(c))
		return JSON_TOKEN_NONE;
	switch (s->state) {
	case LEX_FIRST_VALUE:
		return c == ']' ? container_close(s, false) : value_begin(s, c);
	case LEX_VALUE:
		return value_begin(s, c);
	case LEX_FIRST_KEY:
		if (c == '}')
			return container_close(s, true);
		return c == '"' ? string_begin(s, true) : lex_refuse(s);
	case LEX_KEY:
		return c == '"' ? string_begin(s, true) : lex_refuse(s);
	case LEX_COLON:
		if (c != ':')
			return lex_refuse(s);
		s->state = LEX_VALUE;
		return JSON_TOKEN_NONE;
	case LEX_AFTER:
		return lex_after(s, c);
	default: /* LEX_COMPLETE: something behind the text */
		return lex_refuse(s);
	}
}

enum json_token json_lexer_next(struct json_lexer *s, const uint8_t **p, const uint8_t *end)
{
	enum json_token token = JSON_TOKEN_NONE;

	while (*p < end && token == JSON_TOKEN_NONE) {
		switch (s->state) {
		case LEX_BAD:
			*p = end;
			return JSON_TOKEN_BAD;
		case LEX_START:
			token = lex_start(s, *(*p)++);
			break;
		case LEX_STRING:
			token = lex_string(s, p, end);
			break;
		case LEX_NUMBER:
			token = lex_number(s, p, end);
			break;
		case LEX_ESCAPE:
			token = lex_escape(s, *(*p)++);
			break;
		case LEX_HEX:
			token = lex_hex(s, *(*p)++);
			break;
		case LEX_LITERAL:
			token = lex_literal(s, *(*p)++);
			break;
		default:
			token = lex_between(s, *(*p)++);
			break;
		}
	}
	return token;
}
