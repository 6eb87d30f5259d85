/*
 * import/shell_blocks.c - the blocks of a shell file.  A closing word without its
 * opening one is ignored: an error here puts an assignment into the wrong scope, and
 * loses none.
 */
#include "import/shell_blocks.h"

#include <string.h>

#include "base/fail.h"
#include "import/shell_commands.h"
#include "import/shell_modes.h"
#include "import/shell_scope.h"

static int block_open(struct shell *s, enum block kind)
{
	if (s->depth == SHELL_DEPTH)
		return fail_set(s->f, FAIL_CONFIG, NULL, "too many blocks");
	memset(&s->block[s->depth], 0, sizeof(s->block[0]));
	s->block[s->depth].kind = kind;
	s->block[s->depth++].scope = s->scope;
	return 0;
}

static bool block_is(const struct shell *s, enum block kind)
{
	return s->depth > 0 && s->block[s->depth - 1].kind == kind;
}

static void block_close(struct shell *s)
{
	if (s->depth > 0)
		shell_scope_leave(s, s->block[--s->depth].scope);
}

static void block_close_if(struct shell *s, enum block kind)
{
	if (block_is(s, kind))
		block_close(s);
}

static int block_open_if(struct shell *s)
{
	s->condition = true;
	return block_open(s, BLOCK_IF);
}

static int branch_begin(struct shell *s, bool otherwise)
{
	char mode[NAME_MAX_LEN + 1] = "";

	s->condition = false;
	if (!block_is(s, BLOCK_IF))
		return 0;
	shell_scope_leave(s, s->block[s->depth - 1].scope);
	if (s->block[s->depth - 1].negative == otherwise)
		memcpy(mode, s->block[s->depth - 1].mode, sizeof(mode));
	return shell_scope_enter(s, false, mode);
}

static int condition_begin_elif(struct shell *s)
{
	s->condition = true;
	if (block_is(s, BLOCK_IF)) {
		shell_scope_leave(s, s->block[s->depth - 1].scope);
		s->block[s->depth - 1].mode[0] = '\0';
		s->block[s->depth - 1].negative = false;
	}
	return 0;
}

static int block_open_brace(struct shell *s)
{
	int r = block_open(s, BLOCK_BRACE);

	if (r == 0 && (s->function || s->asked[0]))
		r = shell_scope_enter(s, s->function, s->asked);
	s->function = false;
	return r;
}

/* The words up to ) were a pattern: its branch begins. */
static int case_arm_begin(struct shell *s)
{
	char mode[NAME_MAX_LEN + 1] = "";
	unsigned i;

	for (i = 0; i < s->words && !mode[0]; i++)
		shell_mode_of_word(s, &s->word[i], mode);
	s->words = 0;
	s->pattern = false;
	return block_open(s, BLOCK_ARM) != 0 ? -1 : shell_scope_enter(s, true, mode);
}

static int command_keep_word(struct shell *s, const struct lex *x)
{
	if (s->words < SHELL_WORDS)
		s->word[s->words++] = (struct span){ x->start, x->stop };
	return 0;
}

/* What became of the first word of a command. */
enum reserved {
	RESERVED_FAILED = -1,
	RESERVED_NONE, /* it is a word of the command */
	RESERVED_DONE  /* it was a reserved word, and the next word is the first */
};

static enum reserved reserved_done(int r)
{
	return r != 0 ? RESERVED_FAILED : RESERVED_DONE;
}

static enum reserved read_reserved_word(struct shell *s, const struct lex *x)
{
	if (lex_is(x, "if"))
		return reserved_done(block_open_if(s));
	if (lex_is(x, "then") || lex_is(x, "else"))
		return reserved_done(branch_begin(s, lex_is(x, "else")));
	if (lex_is(x, "elif"))
		return reserved_done(condition_begin_elif(s));
	if (lex_is(x, "fi"))
		block_close_if(s, BLOCK_IF);
	else if (lex_is(x, "while") || lex_is(x, "until"))
		return reserved_done(block_open(s, BLOCK_LOOP));
	else if (lex_is(x, "for") || lex_is(x, "select"))
		/* What follows is kept as words of a command. */
		return block_open(s, BLOCK_LOOP) != 0 ? RESERVED_FAILED : RESERVED_NONE;
	else if (lex_is(x, "done"))
		block_close_if(s, BLOCK_LOOP);
	else if (lex_is(x, "{"))
		return reserved_done(block_open_brace(s));
	else if (lex_is(x, "}"))
		block_close_if(s, BLOCK_BRACE);
	else if (lex_is(x, "case"))
		s->subject = true;
	else if (lex_is(x, "esac")) {
		block_close_if(s, BLOCK_ARM);
		block_close_if(s, BLOCK_CASE);
	} else if (lex_is(x, "function"))
		s->named = true;
	else if (lex_is(x, "!"))
		s->negated = !s->negated;
	else
		return lex_is(x, "do") || lex_is(x, "time") ? RESERVED_DONE : RESERVED_NONE;
	return RESERVED_DONE;
}

static enum reserved read_fish_reserved_word(struct shell *s, const struct lex *x)
{
	if (lex_is(x, "if")) {
		/* else if */
		if (s->function && block_is(s, BLOCK_IF)) {
			s->function = false;
			return reserved_done(condition_begin_elif(s));
		}
		return reserved_done(block_open_if(s));
	}
	if (lex_is(x, "else")) {
		s->function = true; /* an if may follow */
		return reserved_done(branch_begin(s, true));
	}
	if (lex_is(x, "case")) {
		block_close_if(s, BLOCK_ARM);
		s->pattern = true;
		return RESERVED_DONE;
	}
	if (lex_is(x, "switch"))
		return block_open(s, BLOCK_CASE) != 0 ? RESERVED_FAILED : RESERVED_NONE;
	if (lex_is(x, "while") || lex_is(x, "begin"))
		return reserved_done(block_open(s, BLOCK_LOOP));
	if (lex_is(x, "for"))
		return block_open(s, BLOCK_LOOP) != 0 ? RESERVED_FAILED : RESERVED_NONE;
	if (lex_is(x, "function")) {
		if (block_open(s, BLOCK_BRACE) != 0 || shell_scope_enter(s, true, "") != 0)
			return RESERVED_FAILED;
		return RESERVED_NONE;
	}
	if (lex_is(x, "end")) {
		block_close_if(s, BLOCK_ARM);
		block_close(s);
		return RESERVED_DONE;
	}
	if (lex_is(x, "not"))
		s->negated = !s->negated;
	return lex_is(x, "not") || lex_is(x, "and") || lex_is(x, "or") ? RESERVED_DONE
								       : RESERVED_NONE;
}

static int read_word(struct shell *s, const struct lex *x)
{
	enum reserved r = RESERVED_NONE;

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
		return block_open(s, BLOCK_CASE);
	}
	if (s->pattern) {
		if (s->words > 0 || s->w.fish || !lex_is(x, "esac"))
			return command_keep_word(s, x);
		s->pattern = false;
		block_close_if(s, BLOCK_CASE);
		return 0;
	}
	if (s->words == 0 && !s->inner)
		r = s->w.fish ? read_fish_reserved_word(s, x) : read_reserved_word(s, x);
	if (r != RESERVED_NONE)
		return r == RESERVED_FAILED ? -1 : 0;
	if (s->words == 0 && lex_is(x, "[["))
		s->test = true;
	if (lex_is(x, "]]"))
		s->test = false;
	return command_keep_word(s, x);
}

/* A command ends.  A condition (chained: before &&) may ask for a mode. */
static int command_end(struct shell *s, bool chained)
{
	char mode[NAME_MAX_LEN + 1] = "";
	bool negative = false, fish_then = s->w.fish && s->condition && s->words > 0 && !chained;
	int r;

	if (s->condition || chained)
		shell_modes_of_condition(s, mode, &negative);
	negative = negative != s->negated;
	s->negated = false;
	if (s->condition && s->depth > 0 && mode[0]) {
		memcpy(s->block[s->depth - 1].mode, mode, sizeof(mode));
		s->block[s->depth - 1].negative = negative;
	}
	r = shell_command_read(s);
	s->asked[0] = '\0';
	if (chained && !s->condition && mode[0] && !negative)
		memcpy(s->asked, mode, sizeof(mode));
	s->function = s->w.fish ? false : s->function;
	if (r == 0 && fish_then)
		r = branch_begin(s, false);
	return r;
}

static int read_bracket(struct shell *s, struct lex *x)
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
		return block_open(s, BLOCK_SUBSHELL) != 0 ? -1 : shell_scope_enter(s, true, "");
	}
	if (s->named) {
		s->named = false;
		s->function = true;
		return 0;
	}
	if (command_end(s, false) != 0)
		return -1;
	block_close_if(s, BLOCK_SUBSHELL);
	return 0;
}

static int read_operator(struct shell *s, struct lex *x)
{
	bool and = lex_is(x, "&&");

	if (s->test)
		return 0;
	if (s->pattern) {
		if (lex_is(x, ")"))
			return case_arm_begin(s);
		return 0;
	}
	if (strchr("<>", x->text[x->start]) || lex_is(x, "&>")) {
		s->file = true;
		return 0;
	}
	if (lex_is(x, "(") || lex_is(x, ")"))
		return read_bracket(s, x);
	if (command_end(s, and) != 0)
		return -1;
	if (x->stop - x->start >= 2 && x->text[x->start] == ';' && block_is(s, BLOCK_ARM)) {
		block_close(s);
		s->pattern = block_is(s, BLOCK_CASE);
	}
	return 0;
}

int shell_block_lexeme(struct shell *s, struct lex *x, enum lexeme t)
{
	if (t == LEX_WORD)
		return read_word(s, x);
	if (t == LEX_OP)
		return read_operator(s, x);
	s->file = false;
	s->function = s->w.fish ? false : s->function;
	if (s->test || s->subject)
		return 0;
	if (s->pattern) {
		/* In fish a line's end closes a pattern. */
		return s->w.fish && s->words > 0 ? case_arm_begin(s) : 0;
	}
	/* A newline after && continues the command. */
	if (s->words == 0)
		return 0;
	return command_end(s, false);
}
