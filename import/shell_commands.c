/*
 * import/shell_commands.c - the assignments that one command makes: export A=b, A=b,
 * set -gx A b, A=b command, env A=b command, : "${A:=b}", declare -x A=b,
 * alias x='A=b command'.
 */
#include "import/shell_commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "import/manager_command.h"
#include "import/shell_modes.h"
#include "import/shell_scope.h"

/* Note the whole lines of text[at..end) if they hold nothing but it, blanks and a comment. */
static void assignment_set_lines(const struct shell *s, size_t at, size_t end, struct assignment *a)
{
	const char *t = s->w.text;

	while (at > 0 && (t[at - 1] == ' ' || t[at - 1] == '\t'))
		at--;
	if (at > 0 && t[at - 1] != '\n')
		return;
	/* The line before may continue here. */
	if (at > 1 && t[at - 2] == '\\')
		return;
	while (end < s->size &&
	       (t[end] == ' ' || t[end] == '\t' || t[end] == ';' || t[end] == '\r'))
		end++;
	if (end < s->size && t[end] == '#')
		while (end < s->size && t[end] != '\n')
			end++;
	if (end < s->size && t[end] != '\n')
		return;
	a->from = at;
	a->to = end;
}

static int assignment_set_value(struct shell *s, struct assignment *a, struct value *v)
{
	a->kind = v->kind;
	if (v->kind == VALUE_NAME)
		memcpy(a->link, v->name, sizeof(a->link));
	if (v->kind == VALUE_SOURCE || v->kind == VALUE_FILE) {
		a->ref = strndup(v->p, v->n);
		if (!a->ref)
			return fail_set(s->f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	return v->kind == VALUE_LITERAL ? assignments_set_text(s->r, a, v->p, v->n, s->f) : 0;
}

/* name (n bytes) gets the word text[at..end). */
static int assign_variable(struct shell *s, const char *name, size_t n, size_t at, size_t end)
{
	struct assignment *a;
	struct value v;

	if (n == 0 || n > VARIABLE_MAX_LEN)
		return 0;
	shell_word_value(&s->w, at, end, s->scratch.p, s->scratch.room, &v);
	if (v.kind == VALUE_COMMAND)
		manager_command_value(&s->w, v.at, v.end, s->scratch.p, s->scratch.room, &v);
	a = assignments_add(s->r, name, n, s->f);
	if (!a)
		return -1;
	a->line = shell_line(s, at);
	a->scope = s->scope;
	a->at = at;
	a->end = end;
	a->nested = s->depth > 0;
	a->commented = s->commented;
	return assignment_set_value(s, a, &v);
}

/* Is the word NAME=...?  Returns the length of NAME or 0; *eq: where the value begins. */
static size_t word_assigns(const struct shell *s, const struct span *w, size_t *eq)
{
	size_t n = variable_name_length(s->w.text + w->at, w->end - w->at);

	if (n == 0 || w->at + n >= w->end || s->w.text[w->at + n] != '=')
		return 0;
	*eq = w->at + n + 1;
	return n;
}

static bool word_is(const struct shell *s, const struct span *w, const char *what)
{
	return w->end - w->at == strlen(what) &&
	       memcmp(s->w.text + w->at, what, w->end - w->at) == 0;
}

/* Words from number i on that are assignments.  One that is its whole command notes its lines. */
static int assign_from_words(struct shell *s, unsigned i, bool whole)
{
	unsigned count = 0, k, before;
	size_t n, eq;

	for (k = i; k < s->words; k++)
		count += word_assigns(s, &s->word[k], &eq) > 0;
	for (; i < s->words; i++) {
		n = word_assigns(s, &s->word[i], &eq);
		before = s->r->n;
		if (n && assign_variable(s, s->w.text + s->word[i].at, n, eq, s->word[i].end) != 0)
			return -1;
		if (n && whole && count == 1 && s->r->n > before && !s->inner)
			assignment_set_lines(s, s->word[0].at, s->word[s->words - 1].end,
					     &s->r->assign[before]);
	}
	return 0;
}

/* fish: set [-gx] NAME VALUE */
static int assign_from_fish_set(struct shell *s)
{
	unsigned i = 1, before = s->r->n;
	size_t n;

	while (i < s->words && s->w.text[s->word[i].at] == '-')
		i++;
	if (i + 2 != s->words)
		return 0;
	n = variable_name_length(s->w.text + s->word[i].at, s->word[i].end - s->word[i].at);
	if (n != s->word[i].end - s->word[i].at)
		return 0;
	if (assign_variable(s, s->w.text + s->word[i].at, n, s->word[i + 1].at,
			    s->word[i + 1].end) != 0)
		return -1;
	if (s->r->n > before && !s->inner)
		assignment_set_lines(s, s->word[0].at, s->word[s->words - 1].end,
				     &s->r->assign[before]);
	return 0;
}

/* : "${NAME:=value}" */
static int assign_from_colon(struct shell *s)
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
		if (end - at < 5 || memcmp(s->w.text + at, "${", 2) != 0 ||
		    s->w.text[end - 1] != '}')
			continue;
		at += 2;
		n = variable_name_length(s->w.text + at, end - at);
		op = at + n + (s->w.text[at + n] == ':');
		if (n && op < end && s->w.text[op] == '=' &&
		    assign_variable(s, s->w.text + at, n, op + 1, end - 1) != 0)
			return -1;
	}
	return 0;
}

/* alias NAME='...': the text in the quotes is parsed too, if it has no quotes or
 * backslashes of its own. */
static int parse_alias(struct shell *s)
{
	size_t eq, at, end;
	unsigned i, was = s->scope;
	int r = 0;

	for (i = 1; i < s->words && r == 0; i++) {
		if (word_assigns(s, &s->word[i], &eq)) {
			at = eq;
		} else {
			const char *p = memchr(s->w.text + s->word[i].at, '=',
					       s->word[i].end - s->word[i].at);

			/* The name of an alias may have dashes, unlike a variable's. */
			at = p ? (size_t)(p - s->w.text) + 1 : s->word[i].at;
		}
		end = s->word[i].end;
		if (end - at < 3 || (s->w.text[at] != '\'' && s->w.text[at] != '"') ||
		    memchr(s->w.text + at + 1, s->w.text[at], end - at - 2) ||
		    memchr(s->w.text + at, '\\', end - at) || s->alias)
			continue;
		if (shell_scope_enter(s, true, "") != 0)
			return -1;
		s->alias = true;
		r = s->parse_span(s, at + 1, end - 1, true);
		s->alias = false;
		shell_scope_leave(s, was);
	}
	return r;
}

/* The file that a word names. */
static int source_word(struct shell *s, size_t at, size_t end)
{
	struct value v;

	shell_word_value(&s->w, at, end, s->scratch.p, s->scratch.room, &v);
	return v.kind == VALUE_LITERAL ? assignments_add_sourced(s->r, v.p, v.n, s->scope, s->f)
				       : 0;
}

/* export $(grep -v '^#' FILE | xargs): a word of it that can be a path is looked at. */
static int note_read_by_command(struct shell *s, const struct span *w)
{
	const char *t = s->w.text;
	size_t at = w->at + (t[w->at] == '"'), end = w->end, from;

	if (end - at < 6 || !(memcmp(t + at, "$(", 2) == 0 || t[at] == '`'))
		return 0;
	for (at += t[at] == '`' ? 1 : 2; at < end; at++) {
		for (from = at; at < end && !strchr(" \t\n\"'`|)", t[at]); at++)
			;
		if (at - from > 2 && t[from] != '-' &&
		    (memchr(t + from, '/', at - from) || t[from] == '.') &&
		    source_word(s, from, at) != 0)
			return -1;
	}
	return 0;
}

/* . FILE, source FILE, direnv's source_env and dotenv, op run --env-file FILE -- COMMAND */
static int note_sourced(struct shell *s, unsigned i)
{
	static const char *const names[] = { ".",	   "source",
					     "source_env", "source_env_if_exists",
					     "dotenv",	   "dotenv_if_exists" };
	static const char flag[] = "--env-file";
	size_t n = sizeof(flag) - 1;
	unsigned k;

	for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (word_is(s, &s->word[i], names[k]))
			return i + 1 < s->words
				       ? source_word(s, s->word[i + 1].at, s->word[i + 1].end)
				       : assignments_add_sourced(s->r, ".env", k > 3 ? 4 : 0,
								 s->scope, s->f);
	if (word_is(s, &s->word[i], "source_up") || word_is(s, &s->word[i], "source_up_if_exists"))
		return assignments_add_sourced(s->r, "../.envrc", 9, s->scope, s->f);
	for (k = i + 1; k < s->words; k++)
		if ((word_is(s, &s->word[i], "export") || word_is(s, &s->word[i], "env")) &&
		    note_read_by_command(s, &s->word[k]) != 0)
			return -1;
	for (; i + 1 < s->words && !word_is(s, &s->word[i], "op"); i++)
		;
	if (i + 1 >= s->words || !word_is(s, &s->word[i + 1], "run"))
		return 0;
	for (i += 2; i < s->words && !word_is(s, &s->word[i], "--"); i++) {
		const struct span *w = &s->word[i];

		if (w->end - w->at < n || memcmp(s->w.text + w->at, flag, n) != 0)
			continue;
		if (w->end - w->at > n + 1 && s->w.text[w->at + n] == '=' &&
		    source_word(s, w->at + n + 1, w->end) != 0)
			return -1;
		if (w->end - w->at == n && i + 1 < s->words &&
		    source_word(s, s->word[i + 1].at, s->word[i + 1].end) != 0)
			return -1;
	}
	return 0;
}

/* A=b COMMAND, and commands that assign: prefix is the number of words before COMMAND. */
static int read_command_with_prefix(struct shell *s, unsigned prefix)
{
	const struct span *w = &s->word[prefix];
	unsigned was = s->scope, i;
	int r;

	/* from_op: direnv's, of its plug-in for 1Password */
	if (word_is(s, w, "from_op") || word_is(s, w, "export") || word_is(s, w, "declare") ||
	    word_is(s, w, "typeset") || word_is(s, w, "local") || word_is(s, w, "readonly"))
		return assign_from_words(s, prefix, prefix == 0);
	if (s->w.fish && word_is(s, w, "set"))
		return assign_from_fish_set(s);
	if (word_is(s, w, ":"))
		return assign_from_colon(s);
	if (word_is(s, w, "alias"))
		return parse_alias(s);
	for (i = prefix; i < s->words; i++)
		if (word_is(s, &s->word[i], "env"))
			break;
	if (prefix == 0 && i == s->words)
		return 0;
	if (shell_scope_enter(s, true, "") != 0)
		return -1;
	r = assign_from_words(s, 0, false);
	shell_scope_leave(s, was);
	return r;
}

int shell_command_read(struct shell *s)
{
	unsigned i = 0, before;
	size_t eq;
	int r = 0;

	while (i < s->words && word_assigns(s, &s->word[i], &eq))
		i++;
	before = s->r->n;
	if (i < s->words && !s->commented)
		r = note_sourced(s, i);
	if (s->words > 0 && r == 0)
		r = i == s->words ? assign_from_words(s, 0, true) : read_command_with_prefix(s, i);
	shell_modes_remember(s, before);
	s->words = 0;
	return r;
}
