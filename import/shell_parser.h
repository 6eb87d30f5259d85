/*
 * import/shell_parser.h - the state of the shell parser, for its parts:
 *
 *   shell (the loop over lexemes) -> shell_blocks (if, case, functions) ->
 *   shell_commands (the words of one command) -> shell_modes, shell_scope
 */
#ifndef IMPORT_SHELL_PARSER_H
#define IMPORT_SHELL_PARSER_H

#include "import/assignments.h"
#include "import/locked_text.h"
#include "import/shell_word.h"

#define SHELL_WORDS 64 /* of one command; the rest is ignored */
#define SHELL_DEPTH 64 /* nested blocks */
#define SHELL_FLAGS 32 /* variables that remember a word like --local */

struct failure;

struct span {
	size_t at, end;
};

enum block { BLOCK_IF, BLOCK_CASE, BLOCK_ARM, BLOCK_LOOP, BLOCK_BRACE, BLOCK_SUBSHELL };

/* Up to where lines were counted. */
struct line_count {
	size_t at;
	unsigned line;
};

struct shell {
	struct shell_text w;
	struct assignments *r;
	struct failure *f;
	const char *home;
	size_t size;		    /* of w.text */
	struct locked_text scratch; /* for one value */
	unsigned scope, depth;
	bool commented; /* in a comment */
	bool inner;	/* in text that is part of a word, as an alias's */
	bool alias;
	/* shell.c's loop over text[at..end), for an alias's text. */
	int (*parse_span)(struct shell *s, size_t at, size_t end, bool inner);
	struct span word[SHELL_WORDS]; /* of the command so far */
	unsigned words;
	struct {
		enum block kind;
		unsigned scope;		     /* around it */
		char mode[NAME_MAX_LEN + 1]; /* IF: the mode that its condition asks for */
		bool negative;		     /* it asks for the opposite */
	} block[SHELL_DEPTH];
	/* What the next lexeme is. */
	bool negated;		      /* a ! came */
	bool condition;		      /* between if and then */
	bool function;		      /* the next { begins a function's body */
	bool named;		      /* after "function" or "NAME(": a name or bracket */
	bool pattern;		      /* of a case: words up to ) */
	bool subject;		      /* after "case": words up to in */
	bool file;		      /* of a redirection */
	bool test;		      /* in [[ ]], whose && and ( are no operators of the shell */
	char asked[NAME_MAX_LEN + 1]; /* the mode of [ "$1" = --local ] && ... */
	struct {
		char name[VARIABLE_MAX_LEN + 1], value[32], mode[NAME_MAX_LEN + 1];
	} flag[SHELL_FLAGS];
	unsigned flags;
	struct line_count *counted;
};

#endif
