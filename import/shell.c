/*
 * import/shell.c - the assignments of a shell file, in the forms that people write
 * (shell_commands.c).  Blocks, functions and branches are followed so far that it is
 * known which assignments hold together, and which branch a word like --local takes.
 */
#include "import/shell.h"

#include <string.h>

#include "base/fail.h"
#include "import/shell_blocks.h"
#include "import/shell_commands.h"
#include "import/shell_lex.h"
#include "import/shell_scope.h"

/* The last assignment of name so far: in a scope around this one, else anywhere. */
static const struct assignment *latest_assignment(const struct shell *s, const char *name)
{
	const struct assignment *any = NULL;
	unsigned i;

	for (i = s->r->n; i-- > 0;) {
		if (strcmp(s->r->assign[i].name, name) != 0 || s->r->assign[i].commented)
			continue;
		if (assignments_scope_within(s->r, s->scope, s->r->assign[i].scope))
			return &s->r->assign[i];
		any = any ? any : &s->r->assign[i];
	}
	return any;
}

static bool variable_known(void *context, const char *name, const char **p, size_t *n)
{
	struct shell *s = context;
	const struct assignment *a;

	if (strcmp(name, "HOME") == 0) {
		*p = s->home;
		*n = strlen(s->home);
		return true;
	}
	a = latest_assignment(s, name);
	if (!a || a->kind != VALUE_LITERAL)
		return false;
	*p = a->p;
	*n = a->n;
	return true;
}

/* A comment as a command.  One that does not lex was prose. */
static int parse_commented_line(struct shell *s, size_t at, size_t end)
{
	struct span saved[SHELL_WORDS];
	unsigned words = s->words;
	struct lex x;
	enum lexeme t;
	int r;

	memcpy(saved, s->word, sizeof(saved));
	s->words = 0;
	lex_begin(&x, s->w.text, at, end, s->w.fish);
	while ((t = lex_next(&x)) == LEX_WORD)
		if (s->words < SHELL_WORDS)
			s->word[s->words++] = (struct span){ x.start, x.stop };
	if (t == LEX_ERROR)
		s->words = 0;
	r = shell_command_read(s);
	s->words = words;
	memcpy(s->word, saved, sizeof(saved));
	return r;
}

/* "# export A=b": a key in a comment is a key in a file all the same. */
static int parse_comment(struct shell *s, const struct lex *x)
{
	size_t at = x->start, n;
	bool was = s->commented;
	unsigned scope = s->scope, depth = s->depth;
	int r;

	while (at < x->stop && strchr("# \t", s->w.text[at]))
		at++;
	n = x->stop - at;
	if (was || n < 16 ||
	    !(memmem(s->w.text + at, n, "_TOKEN", 6) || memmem(s->w.text + at, n, "_KEY", 4)))
		return 0;
	if (shell_scope_enter(s, true, "") != 0)
		return -1;
	s->commented = true;
	r = parse_commented_line(s, at, x->stop);
	s->commented = was;
	s->depth = depth;
	shell_scope_leave(s, scope);
	return r;
}

static int parse_span(struct shell *s, size_t at, size_t end, bool inner)
{
	struct lex x;
	enum lexeme t;
	struct span saved[SHELL_WORDS];
	unsigned words = s->words;
	bool was = s->inner;
	int r = 0;

	memcpy(saved, s->word, sizeof(saved));
	s->words = 0;
	s->inner = inner;
	lex_begin(&x, s->w.text, at, end, s->w.fish);
	while (r == 0 && (t = lex_next(&x)) != LEX_END) {
		if (t == LEX_ERROR) {
			s->r->bad_line = shell_line(s, x.start);
			r = fail_set(s->f, FAIL_CONFIG, NULL,
				     "a quote or bracket that does not end");
		} else if (t == LEX_COMMENT) {
			r = parse_comment(s, &x);
		} else {
			r = shell_block_lexeme(s, &x, t);
		}
	}
	if (r == 0)
		r = shell_command_read(s);
	s->inner = was;
	s->words = words;
	memcpy(s->word, saved, sizeof(saved));
	return r;
}

int shell_parse(const struct locked_text *t, bool fish, const char *home, struct assignments *r,
		struct failure *f)
{
	struct line_count counted = { 0, 1 };
	struct shell s = { .r = r,
			   .f = f,
			   .home = home,
			   .size = t->n,
			   .counted = &counted,
			   .parse_span = parse_span };
	int ret = -1;

	s.w = (struct shell_text){ t->p, fish, variable_known, &s };
	if (assignments_begin(r, t->n + 16384, f) == 0 &&
	    locked_text_new(&s.scratch, t->n + 8192, f) == 0)
		ret = parse_span(&s, 0, t->n, false);
	locked_text_free(&s.scratch);
	explicit_bzero(&s, sizeof(s));
	return ret;
}
