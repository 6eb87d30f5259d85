/*
 * import/shell.c - a shell file's assignments.
 *
 * A small reader of the forms that people write: export A=b, A=b, set -gx A b,
 * A=b command, env A=b command, : "${A:=b}", declare -x A=b, alias x='A=b
 * command'.  It follows blocks, functions and branches so far that it knows
 * what belongs together, and which branch a word like --local takes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "import/shell_lex.h"
#include "import/shell.h"

static int read_span(struct shell *s, size_t at, size_t end, bool inner);

static unsigned shell_line(const struct shell *s, size_t at)
{
	/* Mostly asked in order: go on from the last answer. */
	if (at < s->seen->at)
		*s->seen = (struct line_seen){ 0, 1 };
	for (; s->seen->at < at; s->seen->at++)
		s->seen->line += s->w.text[s->seen->at] == '\n';
	return s->seen->line;
}

/* The latest of that name, in a scope around this one if there is, else any. */
static const struct assign *latest(const struct shell *s, const char *name)
{
	const struct assign *any = NULL;
	unsigned i;

	for (i = s->r->n; i-- > 0;) {
		if (strcmp(s->r->assign[i].name, name) != 0 || s->r->assign[i].commented)
			continue;
		if (scope_within(s->r, s->scope, s->r->assign[i].scope))
			return &s->r->assign[i];
		any = any ? any : &s->r->assign[i];
	}
	return any;
}

static bool known(void *context, const char *name, const char **p, size_t *n)
{
	struct shell *s = context;
	const struct assign *a;

	if (strcmp(name, "HOME") == 0) {
		*p = s->home;
		*n = strlen(s->home);
		return true;
	}
	a = latest(s, name);
	if (!a || a->kind != VALUE_LITERAL)
		return false;
	*p = a->p;
	*n = a->n;
	return true;
}

/* Do the lines of text[at..end) hold nothing but it, blanks and a comment? */
static void fills_lines(const struct shell *s, size_t at, size_t end, struct assign *a)
{
	const char *t = s->w.text;

	while (at > 0 && (t[at - 1] == ' ' || t[at - 1] == '\t'))
		at--;
	if (at > 0 && t[at - 1] != '\n')
		return;
	/* the line before may go on here */
	if (at > 1 && t[at - 2] == '\\')
		return;
	while (end < s->size && (t[end] == ' ' || t[end] == '\t' || t[end] == ';' || t[end] == '\r'))
		end++;
	if (end < s->size && t[end] == '#')
		while (end < s->size && t[end] != '\n')
			end++;
	if (end < s->size && t[end] != '\n')
		return;
	a->from = at;
	a->to = end;
}

static int keep_value(struct shell *s, struct assign *a, struct value *v)
{
	a->kind = v->kind;
	if (v->kind == VALUE_NAME)
		memcpy(a->link, v->name, sizeof(a->link));
	if (v->kind == VALUE_SOURCE || v->kind == VALUE_FILE) {
		a->ref = strndup(v->p, v->n);
		if (!a->ref)
			return fail_set(s->f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	if (v->kind == VALUE_LITERAL) {
		a->p = reading_keep(s->r, v->p, v->n, s->f);
		a->n = v->n;
		if (!a->p)
			return -1;
	}
	return 0;
}

/* NAME (n bytes at name) gets the word text[at..end). */
static int assign(struct shell *s, const char *name, size_t n, size_t at, size_t end)
{
	struct assign *a;
	struct value v;

	if (n == 0 || n > VARIABLE_MAX_LEN)
		return 0;
	word_value(&s->w, at, end, s->scratch.p, s->scratch.room, &v);
	if (v.kind == VALUE_COMMAND)
		substitution_value(&s->w, v.at, v.end, s->scratch.p, s->scratch.room, &v);
	a = reading_add(s->r, name, n, s->f);
	if (!a)
		return -1;
	a->line = shell_line(s, at);
	a->scope = s->scope;
	a->at = at;
	a->end = end;
	a->nested = s->depth > 0;
	a->commented = s->commented;
	return keep_value(s, a, &v);
}

/* Is the word NAME=...?  *eq is where the value begins. */
static size_t assignment(const struct shell *s, const struct span *w, size_t *eq)
{
	size_t n = word_name(s->w.text + w->at, w->end - w->at);

	if (n == 0 || w->at + n >= w->end || s->w.text[w->at + n] != '=')
		return 0;
	*eq = w->at + n + 1;
	return n;
}

static bool word_is(const struct shell *s, const struct span *w, const char *what)
{
	return w->end - w->at == strlen(what) && memcmp(s->w.text + w->at, what, w->end - w->at) == 0;
}

/* Words i..n that are assignments; the one alone in its statement fills its lines. */
static int assign_words(struct shell *s, unsigned i, bool whole)
{
	unsigned count = 0, k, before;
	size_t n, eq;

	for (k = i; k < s->words; k++)
		count += assignment(s, &s->word[k], &eq) > 0;
	for (; i < s->words; i++) {
		n = assignment(s, &s->word[i], &eq);
		before = s->r->n;
		if (n && assign(s, s->w.text + s->word[i].at, n, eq, s->word[i].end) != 0)
			return -1;
		if (n && whole && count == 1 && s->r->n > before && !s->inner)
			fills_lines(s, s->word[0].at, s->word[s->words - 1].end, &s->r->assign[before]);
	}
	return 0;
}

/* fish: set [-gx] NAME VALUE */
static int fish_set(struct shell *s)
{
	unsigned i = 1, before = s->r->n;
	size_t n;

	while (i < s->words && s->w.text[s->word[i].at] == '-')
		i++;
	if (i + 2 != s->words)
		return 0;
	n = word_name(s->w.text + s->word[i].at, s->word[i].end - s->word[i].at);
	if (n != s->word[i].end - s->word[i].at)
		return 0;
	if (assign(s, s->w.text + s->word[i].at, n, s->word[i + 1].at, s->word[i + 1].end) != 0)
		return -1;
	if (s->r->n > before && !s->inner)
		fills_lines(s, s->word[0].at, s->word[s->words - 1].end, &s->r->assign[before]);
	return 0;
}

/* : "${NAME:=value}" */
static int colon(struct shell *s)
{
	size_t at, end, n, op;
	unsigned i;

	for (i = 1; i < s->words; i++) {
		at = s->word[i].at;
		end = s->word[i].end;
		if (end - at > 2 && s->w.text[at] == '"' && s->w.text[end - 1] == '"') {
			at++;
			end--;
		}
		if (end - at < 5 || memcmp(s->w.text + at, "${", 2) != 0 || s->w.text[end - 1] != '}')
			continue;
		at += 2;
		n = word_name(s->w.text + at, end - at);
		op = at + n + (s->w.text[at + n] == ':');
		if (n && op < end && s->w.text[op] == '=' &&
		    assign(s, s->w.text + at, n, op + 1, end - 1) != 0)
			return -1;
	}
	return 0;
}

/* Without a quote or backslash inside, the body is text as any other. */
static int alias(struct shell *s)
{
	size_t eq, at, end;
	unsigned i, was = s->scope;
	int r = 0;

	for (i = 1; i < s->words && r == 0; i++) {
		if (assignment(s, &s->word[i], &eq)) {
			at = eq;
		} else {
			const char *p = memchr(s->w.text + s->word[i].at, '=', s->word[i].end - s->word[i].at);

			/* names of aliases have dashes, which no variable has */
			at = p ? (size_t)(p - s->w.text) + 1 : s->word[i].at;
		}
		end = s->word[i].end;
		if (end - at < 3 || (s->w.text[at] != '\'' && s->w.text[at] != '"') ||
		    memchr(s->w.text + at + 1, s->w.text[at], end - at - 2) ||
		    memchr(s->w.text + at, '\\', end - at) || s->alias)
			continue;
		if (shell_push(s, true, "") != 0)
			return -1;
		s->alias = true;
		r = read_span(s, at + 1, end - 1, true);
		s->alias = false;
		shell_pop(s, was);
	}
	return r;
}

/* A=b command: what the variables hold is for that command. */
static int command(struct shell *s, unsigned prefix)
{
	const struct span *w = &s->word[prefix];
	unsigned was = s->scope, i;
	int r;

	if (word_is(s, w, "export") || word_is(s, w, "declare") || word_is(s, w, "typeset") ||
	    word_is(s, w, "local") || word_is(s, w, "readonly"))
		return assign_words(s, prefix, prefix == 0);
	if (s->w.fish && word_is(s, w, "set"))
		return fish_set(s);
	if (word_is(s, w, ":"))
		return colon(s);
	if (word_is(s, w, "alias"))
		return alias(s);
	for (i = prefix; i < s->words; i++)
		if (word_is(s, &s->word[i], "env"))
			break;
	if (prefix == 0 && i == s->words)
		return 0;
	if (shell_push(s, true, "") != 0)
		return -1;
	r = assign_words(s, 0, false);
	shell_pop(s, was);
	return r;
}

int shell_command(struct shell *s)
{
	unsigned i = 0, before;
	size_t eq;
	int r = 0;

	while (i < s->words && assignment(s, &s->word[i], &eq))
		i++;
	before = s->r->n;
	if (s->words > 0)
		r = i == s->words ? assign_words(s, 0, true) : command(s, i);
	shell_flags(s, before);
	s->words = 0;
	return r;
}

/* One line of a comment: if it cannot be read it was prose. */
static int prose(struct shell *s, size_t at, size_t end)
{
	struct span saved[SHELL_WORDS];
	unsigned words = s->words;
	struct lex x;
	enum token t;
	int r;

	memcpy(saved, s->word, sizeof(saved));
	s->words = 0;
	lex_begin(&x, s->w.text, at, end, s->w.fish);
	while ((t = lex_next(&x)) == TOKEN_WORD)
		if (s->words < SHELL_WORDS)
			s->word[s->words++] = (struct span){ x.start, x.stop };
	if (t == TOKEN_ERROR)
		s->words = 0;
	r = shell_command(s);
	s->words = words;
	memcpy(s->word, saved, sizeof(saved));
	return r;
}

/* # export A=b: an old key in a comment is a key in a file. */
static int comment(struct shell *s, const struct lex *x)
{
	size_t at = x->start, n;
	bool was = s->commented;
	unsigned scope = s->scope, depth = s->depth;
	int r;

	while (at < x->stop && strchr("# \t", s->w.text[at]))
		at++;
	n = x->stop - at;
	if (was || n < 16 || !(memmem(s->w.text + at, n, "_TOKEN", 6) || memmem(s->w.text + at, n, "_KEY", 4)))
		return 0;
	if (shell_push(s, true, "") != 0)
		return -1;
	s->commented = true;
	r = prose(s, at, x->stop);
	s->commented = was;
	s->depth = depth;
	shell_pop(s, scope);
	return r;
}

static int read_span(struct shell *s, size_t at, size_t end, bool inner)
{
	struct lex x;
	enum token t;
	struct span saved[SHELL_WORDS];
	unsigned words = s->words;
	bool was = s->inner;
	int r = 0;

	memcpy(saved, s->word, sizeof(saved));
	s->words = 0;
	s->inner = inner;
	lex_begin(&x, s->w.text, at, end, s->w.fish);
	while (r == 0 && (t = lex_next(&x)) != TOKEN_END) {
		if (t == TOKEN_ERROR) {
			s->r->bad_line = shell_line(s, x.start);
			r = fail_set(s->f, FAIL_CONFIG, NULL, "a quote or bracket that does not end");
		} else if (t == TOKEN_COMMENT) {
			r = comment(s, &x);
		} else {
			r = shell_token(s, &x, t);
		}
	}
	if (r == 0)
		r = shell_command(s);
	s->inner = was;
	s->words = words;
	memcpy(s->word, saved, sizeof(saved));
	return r;
}

int shell_read(const struct text *t, bool fish, const char *home, struct reading *r, struct failure *f)
{
	struct line_seen seen = { 0, 1 };
	struct shell s = { .r = r, .f = f, .home = home, .size = t->n, .seen = &seen };
	int ret = -1;

	s.w = (struct wording){ t->p, fish, known, &s };
	if (reading_begin(r, t->n + 16 * 1024, f) == 0 && text_new(&s.scratch, t->n + 8192, f) == 0)
		ret = read_span(&s, 0, t->n, false);
	text_free(&s.scratch);
	explicit_bzero(&s, sizeof(s));
	return ret;
}
