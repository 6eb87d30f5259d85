/*
 * import/shell_blocks.c - the blocks of a shell file: what belongs together,
 * and in which branch it stands.  What does not fit is passed over: a reader
 * that runs nothing may be wrong about a scope, not about an assignment.
 */
#include <string.h>

#include "base/fail.h"
#include "import/shell.h"

int shell_push(struct shell *s, bool branch, const char *mode)
{
	struct scope *fresh = reading_scope(s->r, s->f);

	if (!fresh)
		return -1;
	fresh->parent = s->scope;
	fresh->branch = branch;
	memcpy(fresh->mode, s->r->scope[s->scope].mode, sizeof(fresh->mode));
	if (mode[0])
		memcpy(fresh->mode, mode, strlen(mode) + 1);
	s->scope = s->r->scopes - 1;
	return 0;
}

void shell_pop(struct shell *s, unsigned scope)
{
	s->scope = scope;
}

static int open_block(struct shell *s, enum block kind)
{
	if (s->depth == SHELL_DEPTH)
		return fail_set(s->f, FAIL_CONFIG, NULL, "too many blocks");
	memset(&s->block[s->depth], 0, sizeof(s->block[0]));
	s->block[s->depth].kind = kind;
	s->block[s->depth++].scope = s->scope;
	return 0;
}

static bool inside(const struct shell *s, enum block kind)
{
	return s->depth > 0 && s->block[s->depth - 1].kind == kind;
}

static void close_block(struct shell *s)
{
	if (s->depth > 0)
		shell_pop(s, s->block[--s->depth].scope);
}

static void close_if(struct shell *s, enum block kind)
{
	if (inside(s, kind))
		close_block(s);
}

static int begin_if(struct shell *s)
{
	s->condition = true;
	return open_block(s, BLOCK_IF);
}

static int then(struct shell *s, bool otherwise)
{
	char mode[NAME_MAX_LEN + 1] = "";

	s->condition = false;
	if (!inside(s, BLOCK_IF))
		return 0;
	shell_pop(s, s->block[s->depth - 1].scope);
	if (s->block[s->depth - 1].negative == otherwise)
		memcpy(mode, s->block[s->depth - 1].mode, sizeof(mode));
	return shell_push(s, false, mode);
}

static int elif(struct shell *s)
{
	s->condition = true;
	if (inside(s, BLOCK_IF)) {
		shell_pop(s, s->block[s->depth - 1].scope);
		s->block[s->depth - 1].mode[0] = '\0';
		s->block[s->depth - 1].negative = false;
	}
	return 0;
}

static int brace(struct shell *s)
{
	int r = open_block(s, BLOCK_BRACE);

	if (r == 0 && (s->function || s->asked[0]))
		r = shell_push(s, s->function, s->asked);
	s->function = false;
	return r;
}

/* The words up to ) are a pattern: its branch begins. */
static int arm(struct shell *s)
{
	char mode[NAME_MAX_LEN + 1] = "";
	unsigned i;

	for (i = 0; i < s->words && !mode[0]; i++)
		shell_mode(s, &s->word[i], mode);
	s->words = 0;
	s->pattern = false;
	return open_block(s, BLOCK_ARM) != 0 ? -1 : shell_push(s, true, mode);
}

static int keep_word(struct shell *s, const struct lex *x)
{
	if (s->words < SHELL_WORDS)
		s->word[s->words++] = (struct span){ x->start, x->stop };
	return 0;
}

/* A word where a command begins.  1: it was one of the language's. */
static int reserved(struct shell *s, const struct lex *x)
{
	if (lex_is(x, "if"))
		return begin_if(s) != 0 ? -1 : 1;
	if (lex_is(x, "then") || lex_is(x, "else"))
		return then(s, lex_is(x, "else")) != 0 ? -1 : 1;
	if (lex_is(x, "elif"))
		return elif(s) != 0 ? -1 : 1;
	if (lex_is(x, "fi"))
		close_if(s, BLOCK_IF);
	else if (lex_is(x, "while") || lex_is(x, "until"))
		return open_block(s, BLOCK_LOOP) != 0 ? -1 : 1;
	else if (lex_is(x, "for") || lex_is(x, "select"))
		/* what follows is kept as the words of some command */
		return open_block(s, BLOCK_LOOP);
	else if (lex_is(x, "done"))
		close_if(s, BLOCK_LOOP);
	else if (lex_is(x, "{"))
		return brace(s) != 0 ? -1 : 1;
	else if (lex_is(x, "}"))
		close_if(s, BLOCK_BRACE);
	else if (lex_is(x, "case"))
		s->subject = true;
	else if (lex_is(x, "esac")) {
		close_if(s, BLOCK_ARM);
		close_if(s, BLOCK_CASE);
	} else if (lex_is(x, "function"))
		s->named = true;
	else if (lex_is(x, "!"))
		s->not = !s->not;
	else
		return lex_is(x, "do") || lex_is(x, "time");
	return 1;
}

static int fish_reserved(struct shell *s, const struct lex *x)
{
	if (lex_is(x, "if")) {
		/* else if */
		if (s->function && inside(s, BLOCK_IF)) {
			s->function = false;
			return elif(s) != 0 ? -1 : 1;
		}
		return begin_if(s) != 0 ? -1 : 1;
	}
	if (lex_is(x, "else")) {
		s->function = true; /* an if may follow */
		return then(s, true) != 0 ? -1 : 1;
	}
	if (lex_is(x, "case")) {
		close_if(s, BLOCK_ARM);
		s->pattern = true;
		return 1;
	}
	if (lex_is(x, "switch"))
		return open_block(s, BLOCK_CASE);
	if (lex_is(x, "while") || lex_is(x, "begin"))
		return open_block(s, BLOCK_LOOP) != 0 ? -1 : 1;
	if (lex_is(x, "for"))
		return open_block(s, BLOCK_LOOP);
	if (lex_is(x, "function")) {
		if (open_block(s, BLOCK_BRACE) != 0 || shell_push(s, true, "") != 0)
			return -1;
		return 0;
	}
	if (lex_is(x, "end")) {
		close_if(s, BLOCK_ARM);
		close_block(s);
		return 1;
	}
	if (lex_is(x, "not"))
		s->not = !s->not;
	return lex_is(x, "not") || lex_is(x, "and") || lex_is(x, "or");
}

static int word(struct shell *s, const struct lex *x)
{
	int r = 0;

	if (s->file || s->named) {
		s->function = s->function || s->named;
		s->file = s->named = false;
		return 0;
	}
	if (s->subject) {
		if (!lex_is(x, "in"))
			return 0;
		s->subject = false;
		s->pattern = true;
		return open_block(s, BLOCK_CASE);
	}
	if (s->pattern) {
		if (s->words > 0 || s->w.fish || !lex_is(x, "esac"))
			return keep_word(s, x);
		s->pattern = false;
		close_if(s, BLOCK_CASE);
		return 0;
	}
	if (s->words == 0 && !s->inner)
		r = s->w.fish ? fish_reserved(s, x) : reserved(s, x);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (s->words == 0 && lex_is(x, "[["))
		s->test = true;
	if (lex_is(x, "]]"))
		s->test = false;
	return keep_word(s, x);
}

/* A command ends here: what did it ask, if it was a condition? */
static int finish(struct shell *s, bool chained)
{
	char mode[NAME_MAX_LEN + 1] = "";
	bool negative = false, fish_then = s->w.fish && s->condition && s->words > 0 && !chained;
	int r;

	if (s->condition || chained)
		shell_asks(s, mode, &negative);
	negative = negative != s->not;
	s->not = false;
	if (s->condition && s->depth > 0 && mode[0]) {
		memcpy(s->block[s->depth - 1].mode, mode, sizeof(mode));
		s->block[s->depth - 1].negative = negative;
	}
	r = shell_command(s);
	s->asked[0] = '\0';
	if (chained && !s->condition && mode[0] && !negative)
		memcpy(s->asked, mode, sizeof(mode));
	s->function = s->w.fish ? false : s->function;
	if (r == 0 && fish_then)
		r = then(s, false);
	return r;
}

static int bracket(struct shell *s, struct lex *x)
{
	size_t behind;

	if (lex_is(x, "(") && s->words == 0 && x->at < x->end && x->text[x->at] == '(') {
		/* arithmetic: << is no here-document there */
		behind = lex_skip(x->text, x->start, x->end, false);
		x->at = behind ? behind : x->at;
		return 0;
	}
	if (lex_is(x, "(") && s->words == 1) {
		s->named = true;
		s->words = 0;
		return 0;
	}
	if (lex_is(x, "(") && s->function && x->at < x->end && x->text[x->at] == ')') {
		s->named = true; /* function NAME() */
		return 0;
	}
	if (lex_is(x, "(")) {
		if (s->words > 0)
			return 0;
		s->function = false;
		return open_block(s, BLOCK_SUBSHELL) != 0 ? -1 : shell_push(s, true, "");
	}
	if (s->named) {
		s->named = false;
		s->function = true;
		return 0;
	}
	if (finish(s, false) != 0)
		return -1;
	close_if(s, BLOCK_SUBSHELL);
	return 0;
}

static int operator(struct shell *s, struct lex *x)
{
	bool and = lex_is(x, "&&");

	if (s->test)
		return 0;
	if (s->pattern) {
		if (lex_is(x, ")"))
			return arm(s);
		return 0;
	}
	if (strchr("<>", x->text[x->start]) || lex_is(x, "&>")) {
		s->file = true;
		return 0;
	}
	if (lex_is(x, "(") || lex_is(x, ")"))
		return bracket(s, x);
	if (finish(s, and) != 0)
		return -1;
	if (x->stop - x->start >= 2 && x->text[x->start] == ';' && inside(s, BLOCK_ARM)) {
		close_block(s);
		s->pattern = inside(s, BLOCK_CASE);
	}
	return 0;
}

int shell_token(struct shell *s, struct lex *x, enum token t)
{
	if (t == TOKEN_WORD)
		return word(s, x);
	if (t == TOKEN_OP)
		return operator(s, x);
	s->file = false;
	s->function = s->w.fish ? false : s->function;
	if (s->test || s->subject)
		return 0;
	if (s->pattern) {
		/* fish has no bracket behind a pattern */
		return s->w.fish && s->words > 0 ? arm(s) : 0;
	}
	/* A newline after && goes on. */
	if (s->words == 0)
		return 0;
	return finish(s, false);
}
