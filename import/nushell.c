/*
 * import/nushell.c - the variables that a file of nushell sets.
 */
#include "import/nushell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "import/manager_command.h"

#define BLOCKS_MAX 32 /* one in the other */

struct nushell {
	const char *t;
	size_t n;
	struct shell_text words; /* what is in parentheses, for manager_command */
	struct locked_text scratch;
	struct assignments *r;
	struct failure *f;
	unsigned scope, outer[BLOCKS_MAX], deep; /* the block, and those around it */
};

/* Behind the value at t[at]: a string, or parentheses, or a word. */
static size_t value_end(const struct nushell *s, size_t at)
{
	size_t end = at + 1;
	int deep = 1;

	if (strchr("\"'`", s->t[at])) {
		while (end < s->n && s->t[end] != s->t[at])
			end += s->t[at] == '"' && s->t[end] == '\\' ? 2 : 1;
		return end < s->n ? end + 1 : s->n;
	}
	if (s->t[at] == '(') {
		for (; end < s->n && deep > 0; end++)
			deep = deep + (s->t[end] == '(') - (s->t[end] == ')');
		return end;
	}
	for (end = at; end < s->n && !strchr(" \t\r\n,;}|)", s->t[end]); end++)
		;
	return end;
}

/* $env.NAME alone as a value. */
static bool value_is_variable(const struct nushell *s, size_t at, size_t end, struct assignment *a)
{
	size_t n;

	if (end - at <= 5 || memcmp(s->t + at, "$env.", 5) != 0)
		return false;
	n = variable_name_length(s->t + at + 5, end - at - 5);
	if (n != end - at - 5 || n > VARIABLE_MAX_LEN)
		return false;
	a->kind = VALUE_NAME;
	memcpy(a->link, s->t + at + 5, n);
	return true;
}

static int value_of_command(struct nushell *s, size_t at, size_t end, struct assignment *a)
{
	struct value v = { .kind = VALUE_COMMAND };
	/* What nushell adds to take the line's end off is nothing to a manager. */
	const char *bar = memchr(s->t + at, '|', end - at);

	if (bar && memmem(bar, (size_t)(s->t + end - bar), "str trim", 8))
		end = (size_t)(bar - s->t);
	manager_command_value(&s->words, at, end, s->scratch.p, s->scratch.room, &v);
	a->kind = v.kind;
	if (v.kind == VALUE_LITERAL)
		return assignments_set_text(s->r, a, v.p, v.n, s->f);
	if (v.kind != VALUE_SOURCE && v.kind != VALUE_FILE)
		return 0;
	a->ref = strndup(v.p, v.n);
	return a->ref ? 0 : fail_set(s->f, FAIL_NO_MEMORY, NULL, "no memory");
}

static int variable_set(struct nushell *s, const char *name, size_t n, size_t at)
{
	size_t end = value_end(s, at), i;
	struct assignment *a;

	if (at >= s->n || n > VARIABLE_MAX_LEN)
		return 0;
	a = assignments_add(s->r, name, n, s->f);
	if (!a)
		return -1;
	for (a->line = 1, i = 0; i < at; i++)
		a->line += s->t[i] == '\n';
	a->scope = s->scope;
	a->at = at;
	a->end = end;
	a->kind = VALUE_DYNAMIC;
	if (value_is_variable(s, at, end, a))
		return 0;
	if (s->t[at] == '(')
		return value_of_command(s, at + 1, end > at + 1 ? end - 1 : end, a);
	if (strchr("\"'`", s->t[at])) {
		/* An escape: a token has none. */
		if (end - at < 2 || (s->t[at] == '"' && memchr(s->t + at, '\\', end - at)))
			return 0;
		return assignments_set_text(s->r, a, s->t + at + 1, end - at - 2, s->f);
	}
	return s->t[at] == '$' ? 0 : assignments_set_text(s->r, a, s->t + at, end - at, s->f);
}

static size_t skip_blanks(const struct nushell *s, size_t at)
{
	while (at < s->n && (s->t[at] == ' ' || s->t[at] == '\t'))
		at++;
	return at;
}

static int block_enter(struct nushell *s)
{
	struct scope *scope;

	if (s->deep == BLOCKS_MAX)
		return fail_set(s->f, FAIL_CONFIG, NULL, "too many blocks");
	scope = assignments_add_scope(s->r, s->f);
	if (!scope)
		return -1;
	scope->parent = s->scope;
	scope->branch = true;
	s->outer[s->deep++] = s->scope;
	s->scope = s->r->scopes - 1;
	return 0;
}

static void block_leave(struct nushell *s)
{
	if (s->deep > 0)
		s->scope = s->outer[--s->deep];
}

/* The names of a record are variables where load-env or with-env reads it. */
static int names_of_record(struct nushell *s, size_t at)
{
	size_t end = at, from, n;
	int deep = 0;

	for (; end < s->n; end++) {
		char c = s->t[end];

		deep = deep + (c == '{') - (c == '}');
		if (deep == 0)
			break;
		n = variable_name_length(s->t + end, s->n - end);
		if (n == 0 || isalnum((unsigned char)s->t[end - 1]) || s->t[end - 1] == '_')
			continue;
		from = end;
		end += n;
		end += end < s->n && strchr("\"'", s->t[end]); /* "NAME": */
		if (end >= s->n || s->t[end] != ':') {
			end = from + n - 1;
			continue;
		}
		end = skip_blanks(s, end + 1);
		if (variable_set(s, s->t + from, n, end) != 0)
			return -1;
		end = end < s->n ? value_end(s, end) - 1 : end;
	}
	return 0;
}

static int read_from(struct nushell *s, size_t at)
{
	static const char *const records[] = { "load-env", "with-env" };
	size_t n, i;

	if (s->n - at > 5 && memcmp(s->t + at, "$env.", 5) == 0) {
		n = variable_name_length(s->t + at + 5, s->n - at - 5);
		i = skip_blanks(s, at + 5 + n);
		if (n > 0 && i + 1 < s->n && s->t[i] == '=' && s->t[i + 1] != '=')
			return variable_set(s, s->t + at + 5, n, skip_blanks(s, i + 1));
		return 0;
	}
	for (i = 0; i < 2; i++) {
		n = strlen(records[i]);
		if (s->n - at <= n || memcmp(s->t + at, records[i], n) != 0)
			continue;
		n = skip_blanks(s, at + n);
		if (n >= s->n || s->t[n] != '{')
			return 0;
		/* with-env: for its block alone. */
		if (i == 1 && block_enter(s) != 0)
			return -1;
		if (names_of_record(s, n) != 0)
			return -1;
		if (i == 1)
			block_leave(s);
	}
	return 0;
}

static bool nothing_known(void *context, const char *name, const char **p, size_t *n)
{
	if (strcmp(name, "HOME") != 0)
		return false;
	*p = context;
	*n = strlen(*p);
	return true;
}

/* Words and blocks, without comments; what is in quotes is no beginning. */
static int file_read(struct nushell *s)
{
	size_t at;

	for (at = 0; at < s->n; at++) {
		bool begins = at == 0 || strchr(" \t\r\n;{(|", s->t[at - 1]);

		if (s->t[at] == '#' && begins)
			while (at < s->n && s->t[at] != '\n')
				at++;
		else if (strchr("\"'`", s->t[at]))
			at = value_end(s, at) - 1;
		else if (s->t[at] == '}')
			block_leave(s);
		else if (s->t[at] == '{' ? block_enter(s) != 0 : begins && read_from(s, at) != 0)
			return -1;
	}
	return 0;
}

int nushell_parse(const struct locked_text *t, const char *home, struct assignments *r,
		  struct failure *f)
{
	struct nushell s = { .t = t->p, .n = t->n, .r = r, .f = f };
	int ret = -1;

	s.words = (struct shell_text){ t->p, false, nothing_known, (void *)home };
	if (assignments_begin(r, t->n + 4096, f) == 0 &&
	    locked_text_new(&s.scratch, t->n + 8192, f) == 0)
		ret = file_read(&s);
	locked_text_free(&s.scratch);
	return ret;
}
