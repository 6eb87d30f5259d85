/*
 * import/shell_lex.c - splits shell text into words and operators.
 */
#include "import/shell_lex.h"

#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 32  /* nested brackets; each takes stack */
#define OPEN SIZE_MAX /* result: a quote or bracket does not end */

static size_t skip_double_quotes(const char *t, size_t at, size_t end, bool fish, int depth);

void lex_begin(struct lex *x, const char *text, size_t at, size_t end, bool fish)
{
	memset(x, 0, sizeof(*x));
	x->text = text;
	x->at = at;
	x->end = end;
	x->fish = fish;
}

/* at is behind the opening quote; returns the offset behind the closing one. */
static size_t skip_single_quotes(const char *t, size_t at, size_t end, bool escapes)
{
	for (; at < end; at++) {
		if (t[at] == '\'')
			return at + 1;
		if (escapes && t[at] == '\\')
			at++;
	}
	return OPEN;
}

static size_t skip_backquotes(const char *t, size_t at, size_t end)
{
	for (; at < end; at++) {
		if (t[at] == '`')
			return at + 1;
		if (t[at] == '\\')
			at++;
	}
	return OPEN;
}

/* The offset behind the quotes or brackets at `at`, OPEN, or at when there are none. */
static size_t skip_nested(const char *t, size_t at, size_t end, bool fish, int depth);

/* at is behind the opening bracket; returns the offset behind the closing one. */
static size_t skip_brackets(const char *t, size_t at, size_t end, char open, char close, bool fish,
			    int depth)
{
	/* (( is arithmetic, where # is a number's base. */
	bool comments = open == '(' && at < end && t[at] != '(';
	unsigned deep = 1;
	size_t next;

	while (at < end) {
		if (t[at] == close && --deep == 0)
			return at + 1;
		if (t[at] == '\\') {
			at += 2;
			continue;
		}
		/* A comment in an array or a substitution: its apostrophes are no quotes. */
		if (t[at] == '#' && comments && strchr(" \t\n", t[at - 1])) {
			while (at < end && t[at] != '\n')
				at++;
			continue;
		}
		next = skip_nested(t, at, end, fish, depth + 1);
		if (next == OPEN)
			return OPEN;
		if (next == at) {
			deep += t[at] == open;
			next = at + 1;
		}
		at = next;
	}
	return OPEN;
}

static size_t skip_nested(const char *t, size_t at, size_t end, bool fish, int depth)
{
	char second = '\0';

	if (depth > DEPTH_MAX)
		return OPEN;
	if (at + 1 < end)
		second = t[at + 1];
	if (t[at] == '\'')
		return skip_single_quotes(t, at + 1, end, fish);
	if (t[at] == '"')
		return skip_double_quotes(t, at + 1, end, fish, depth);
	if (t[at] == '`' && !fish)
		return skip_backquotes(t, at + 1, end);
	if (t[at] == '$' && second == '\'' && !fish)
		return skip_single_quotes(t, at + 2, end, true);
	if (t[at] == '$' && second == '(')
		return skip_brackets(t, at + 2, end, '(', ')', fish, depth);
	if (t[at] == '$' && second == '{')
		return skip_brackets(t, at + 2, end, '{', '}', fish, depth);
	return at;
}

static size_t skip_double_quotes(const char *t, size_t at, size_t end, bool fish, int depth)
{
	size_t next;

	while (at < end) {
		if (t[at] == '"')
			return at + 1;
		if (t[at] == '\\') {
			at += 2;
			continue;
		}
		next = at;
		if (t[at] == '`' ||
		    (t[at] == '$' && at + 1 < end && strchr("({", t[at + 1]) && t[at + 1]))
			next = skip_nested(t, at, end, fish, depth + 1);
		if (next == OPEN)
			return OPEN;
		at = next == at ? at + 1 : next;
	}
	return OPEN;
}

size_t lex_skip(const char *text, size_t at, size_t end, bool fish)
{
	size_t behind = text[at] == '(' ? skip_brackets(text, at + 1, end, '(', ')', fish, 0)
					: skip_nested(text, at, end, fish, 0);

	return behind == OPEN || behind > end ? 0 : behind;
}

static bool char_ends_word(char c)
{
	return strchr(" \t\r\n;&|()<>", c) != NULL;
}

/* The offset behind the word at `at`, or OPEN. */
static size_t lex_skip_word(const struct lex *x, size_t at)
{
	const char *t = x->text;
	size_t begin = at, next;

	while (at < x->end) {
		if (t[at] == '\\') {
			at = at + 2 < x->end ? at + 2 : x->end;
			continue;
		}
		/* A=(...) is an array, and in fish (...) a substitution. */
		if (t[at] == '(' && (x->fish || (at > begin && t[at - 1] == '=')))
			next = skip_brackets(t, at + 1, x->end, '(', ')', x->fish, 0);
		else if (char_ends_word(t[at]))
			return at;
		else
			next = skip_nested(t, at, x->end, x->fish, 0);
		if (next > x->end)
			return OPEN;
		at = next == at ? at + 1 : next;
	}
	return x->end;
}

/* Does the line text[at..eol) end the here-document? */
static bool line_ends_heredoc(const struct lex *x, unsigned doc, size_t at, size_t eol)
{
	const char *w = x->text + x->doc[doc].at;
	size_t i, n = x->doc[doc].n;

	while (x->doc[doc].tabs && at < eol && x->text[at] == '\t')
		at++;
	for (i = 0; i < n; i++) {
		if (w[i] == '\'' || w[i] == '"' || w[i] == '\\')
			continue;
		if (at == eol || x->text[at++] != w[i])
			return false;
	}
	return at == eol;
}

static void lex_skip_heredocs(struct lex *x)
{
	unsigned doc = 0;

	while (doc < x->docs && x->at < x->end) {
		const char *nl = memchr(x->text + x->at, '\n', x->end - x->at);
		size_t eol = nl ? (size_t)(nl - x->text) : x->end;

		if (line_ends_heredoc(x, doc, x->at, eol))
			doc++;
		x->at = nl ? eol + 1 : eol;
	}
	x->docs = 0;
}

static void lex_skip_blanks(struct lex *x)
{
	while (x->at < x->end) {
		if (strchr(" \t\r", x->text[x->at]) && x->text[x->at])
			x->at++;
		else if (x->text[x->at] == '\\' && x->at + 1 < x->end && x->text[x->at + 1] == '\n')
			x->at += 2;
		else
			break;
	}
}

static enum lexeme lex_operator(struct lex *x)
{
	static const char *const ops[] = { ";;&", "<<<", "<<-", ";;", ";&", "&&", "||",
					   "<<",  ">>",	 ">&",	"<&", "&>", ">|", "|&" };
	size_t i, n = 1, left = x->end - x->at;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]) && n == 1; i++)
		if (strlen(ops[i]) <= left && memcmp(ops[i], x->text + x->at, strlen(ops[i])) == 0)
			n = strlen(ops[i]);
	x->stop = x->at + n;
	x->at = x->stop;
	if (!x->fish && (lex_is(x, "<<") || lex_is(x, "<<-"))) {
		x->doc_next = true;
		x->doc_tabs = n == 3;
	}
	return LEX_OP;
}

enum lexeme lex_next(struct lex *x)
{
	const char *t = x->text, *nl;
	char c;

	lex_skip_blanks(x);
	x->start = x->stop = x->at;
	if (x->at >= x->end)
		return LEX_END;
	c = t[x->at];
	if (c == '\n') {
		x->stop = ++x->at;
		lex_skip_heredocs(x);
		return LEX_NEWLINE;
	}
	if (c == '#') {
		nl = memchr(t + x->at, '\n', x->end - x->at);
		x->at = x->stop = nl ? (size_t)(nl - t) : x->end;
		return LEX_COMMENT;
	}
	if ((c == '<' || c == '>') && x->at + 1 < x->end && t[x->at + 1] == '(' && !x->fish)
		x->at = skip_brackets(t, x->at + 2, x->end, '(', ')', false, 0);
	else if (char_ends_word(c) && !(c == '(' && x->fish))
		return lex_operator(x);
	else
		x->at = lex_skip_word(x, x->at);
	if (x->at > x->end) {
		x->at = x->end;
		return LEX_ERROR;
	}
	x->stop = x->at;
	if (x->doc_next) {
		x->doc_next = false;
		if (x->docs == LEX_HEREDOCS)
			return LEX_ERROR;
		x->doc[x->docs].at = x->start;
		x->doc[x->docs].n = x->stop - x->start;
		x->doc[x->docs++].tabs = x->doc_tabs;
	}
	return LEX_WORD;
}

bool lex_is(const struct lex *x, const char *what)
{
	size_t n = strlen(what);

	return x->stop - x->start == n && memcmp(x->text + x->start, what, n) == 0;
}
