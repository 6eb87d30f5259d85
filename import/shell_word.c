/*
 * import/shell_word.c - the value of a word of shell text.
 */
#include "import/shell_word.h"

#include <string.h>

#include "base/number.h"
#include "import/shell_lex.h"

#define DEFAULT_DEPTH 4 /* ${A:-${B:-...}} */
#define KNOWN_MAX 2048	/* bytes of a variable's value within a word: addresses, names */

/* The value so far.  A word that is just $NAME or $(...) is that, any other is text. */
struct building {
	const struct shell_text *w;
	char *out;
	size_t n, room;
	unsigned names, commands;	 /* how many there were */
	char name[VARIABLE_MAX_LEN + 1]; /* $NAME, not yet replaced by its value */
	size_t at, end;			 /* of the command */
	bool unknown;
	int depth;
};

static void value_append(struct building *b, const char *p, size_t n)
{
	if (n > b->room - b->n) {
		b->unknown = true;
		return;
	}
	memcpy(b->out + b->n, p, n);
	b->n += n;
}

static void value_add_span(struct building *b, size_t at, size_t end, bool quoted);

size_t variable_name_length(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!(p[i] == '_' || (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') ||
		      (i > 0 && p[i] >= '0' && p[i] <= '9')))
			break;
	return i;
}

static void value_set_name(struct building *b, const char *p, size_t n)
{
	if (n == 0 || n >= sizeof(b->name)) {
		b->unknown = true;
		return;
	}
	b->names++;
	memcpy(b->name, p, n);
	b->name[n] = '\0';
}

static void value_append_variable(struct building *b)
{
	const char *p;
	size_t n;

	if (b->w->known && b->w->known(b->w->context, b->name, &p, &n) && n <= KNOWN_MAX)
		value_append(b, p, n);
	else
		b->unknown = true;
}

/* ${...}: text[at..end) is between the braces. */
static void value_add_braces(struct building *b, size_t at, size_t end, bool quoted)
{
	const char *t = b->w->text;
	size_t n = variable_name_length(t + at, end - at), op = at + n;

	if (op < end && t[op] == ':')
		op++;
	if (n == 0 || (at + n < end && (op == end || !strchr("-=", t[op])))) {
		b->unknown = true;
	} else if (at + n == end || op + 1 >= end) {
		value_set_name(b, t + at, n);
	} else if (b->depth < DEFAULT_DEPTH) {
		b->depth++;
		value_add_span(b, op + 1, end, quoted);
		b->depth--;
	} else {
		b->unknown = true;
	}
}

/* Something else stands beside $NAME: it is replaced by its value. */
static void value_settle_name(struct building *b)
{
	if (b->name[0])
		value_append_variable(b);
	b->name[0] = '\0';
}

/* A `$` at `at`; returns the offset behind what it begins. */
static size_t value_add_dollar(struct building *b, size_t at, size_t end, bool quoted)
{
	const char *t = b->w->text;
	size_t n, behind;

	if (at + 1 < end && (t[at + 1] == '(' || t[at + 1] == '{')) {
		behind = lex_skip(t, at, end, b->w->fish);
		if (behind <= at || behind > end) {
			b->unknown = true;
			return end;
		}
		if (t[at + 1] == '{') {
			value_settle_name(b);
			value_add_braces(b, at + 2, behind - 1, quoted);
		} else {
			b->commands++;
			b->at = at + 2;
			b->end = behind - 1;
		}
		return behind;
	}
	n = variable_name_length(t + at + 1, end - at - 1);
	value_settle_name(b);
	if (n == 0) {
		/* $1, $@, $$ are not known; a $ before nothing is a character. */
		if (at + 1 == end || strchr("\"' /", t[at + 1]))
			value_append(b, "$", 1);
		else
			b->unknown = true;
		return at + (at + 1 == end || strchr("\"' /", t[at + 1]) ? 1 : 2);
	}
	value_set_name(b, t + at + 1, n);
	return at + 1 + n;
}

/* $'...': text[at..end) is between the quotes. */
static void value_add_ansi_quoted(struct building *b, size_t at, size_t end)
{
	static const char from[] = "abefnrtv\\'\"?", to[] = "\a\b\033\f\n\r\t\v\\'\"?";
	const char *t = b->w->text, *known;
	unsigned value, digits;
	char c;

	while (at < end) {
		if (t[at] != '\\' || at + 1 == end) {
			value_append(b, t + at++, 1);
			continue;
		}
		at++;
		known = strchr(from, t[at]);
		if (t[at] == 'x') {
			for (value = digits = 0, at++;
			     at < end && digits < 2 && number_hex_digit(t[at]) >= 0; digits++)
				value = value * 16 + (unsigned)number_hex_digit(t[at++]);
		} else if (t[at] >= '0' && t[at] <= '7') {
			for (value = digits = 0;
			     at < end && digits < 3 && t[at] >= '0' && t[at] <= '7'; digits++)
				value = value * 8 + (unsigned)(t[at++] - '0');
		} else if (known && *known) {
			value = (unsigned char)to[known - from];
			at++;
		} else {
			b->unknown = true;
			return;
		}
		c = (char)value;
		value_append(b, &c, 1);
	}
}

static size_t value_add_backslash(struct building *b, size_t at, size_t end, bool quoted)
{
	const char *t = b->w->text;

	if (at + 1 >= end)
		return end;
	if (t[at + 1] == '\n')
		return at + 2;
	if (quoted && !strchr("$`\"\\", t[at + 1]))
		value_append(b, t + at, 1);
	value_append(b, t + at + 1, 1);
	return at + 2;
}

static void value_set_command(struct building *b, size_t at, size_t end)
{
	b->commands++;
	b->at = at + 1;
	b->end = end - 1;
}

/* Between single quotes fish has the escapes \' and \\, sh has none. */
static void value_add_single_quoted(struct building *b, size_t at, size_t end)
{
	const char *t = b->w->text;

	for (; at < end; at++) {
		if (b->w->fish && t[at] == '\\' && at + 1 < end && strchr("\\'", t[at + 1]))
			at++;
		value_append(b, t + at, 1);
	}
}

/* One character, quote or substitution; returns the offset behind it. */
static size_t value_add_part(struct building *b, size_t at, size_t end, bool quoted)
{
	const char *t = b->w->text;
	size_t behind;

	if (t[at] == '$' && !(at + 1 < end && t[at + 1] == '\'' && !quoted && !b->w->fish))
		return value_add_dollar(b, at, end, quoted);
	if (t[at] == '`' && !b->w->fish) {
		behind = lex_skip(t, at, end, false);
		if (behind)
			value_set_command(b, at, behind);
	} else {
		value_settle_name(b);
		if (t[at] == '\\')
			return value_add_backslash(b, at, end, quoted);
		if (quoted || !strchr("'\"$(", t[at])) {
			value_append(b, t + at, 1);
			return at + 1;
		}
		behind = lex_skip(t, at, end, b->w->fish);
		if (behind && t[at] == '\'')
			value_add_single_quoted(b, at + 1, behind - 1);
		else if (behind && t[at] == '$')
			value_add_ansi_quoted(b, at + 2, behind - 1);
		else if (behind && t[at] == '(' && b->w->fish)
			value_set_command(b, at, behind);
		else if (behind && t[at] == '"')
			value_add_span(b, at + 1, behind - 1, true);
		else
			b->unknown = true;
	}
	b->unknown = b->unknown || behind == 0;
	return behind ? behind : end;
}

static void value_add_span(struct building *b, size_t at, size_t end, bool quoted)
{
	const char *p;
	size_t n;

	if (!quoted && at < end && b->w->text[at] == '~' && b->n == 0 &&
	    (at + 1 == end || b->w->text[at + 1] == '/')) {
		if (b->w->known && b->w->known(b->w->context, "HOME", &p, &n))
			value_append(b, p, n);
		else
			b->unknown = true;
		at++;
	}
	while (at < end && !b->unknown)
		at = value_add_part(b, at, end, quoted);
}

void shell_word_value(const struct shell_text *w, size_t at, size_t end, char *out, size_t room,
		      struct value *v)
{
	struct building b = { .w = w, .out = out, .room = room };

	memset(v, 0, sizeof(*v));
	value_add_span(&b, at, end, false);
	if (b.names > 1 || b.n > 0 || b.commands)
		value_settle_name(&b);
	v->p = out;
	v->n = b.n;
	if (b.unknown || b.commands > 1 || (b.commands && (b.n || b.names)))
		v->kind = VALUE_DYNAMIC;
	else if (b.commands) {
		v->kind = VALUE_COMMAND;
		v->at = b.at;
		v->end = b.end;
	} else if (b.name[0]) {
		v->kind = VALUE_NAME;
		memcpy(v->name, b.name, sizeof(v->name));
	} else {
		v->kind = VALUE_LITERAL;
	}
}
