/*
 * import/shell.h - the reader of shell files, between its two halves:
 * shell.c knows commands, blocks.c what they stand in.
 */
#ifndef IMPORT_SHELL_H
#define IMPORT_SHELL_H

#include "import/shell_lex.h"
#include "import/assignments.h"

#define SHELL_WORDS 64	/* of one command; the rest is not looked at */
#define SHELL_DEPTH 64	/* blocks in blocks */
#define SHELL_FLAGS 32	/* variables that remember a word like --local */

struct span {
	size_t at, end;
};

enum block { BLOCK_IF, BLOCK_CASE, BLOCK_ARM, BLOCK_LOOP, BLOCK_BRACE, BLOCK_SUBSHELL };

struct shell {
	struct wording w;
	struct reading *r;
	struct failure *f;
	const char *home;
	size_t size;
	struct text scratch;
	unsigned scope, depth;
	bool commented, inner, alias;
	struct span word[SHELL_WORDS];
	unsigned words;
	struct {
		enum block kind;
		unsigned scope; /* to go back to */
		char mode[NAME_MAX_LEN + 1]; /* IF: what its condition asks for */
		bool negative;		     /* and whether it asks for the opposite */
	} block[SHELL_DEPTH];
	bool not;	/* a ! came */
	bool condition; /* between if and then */
	bool function;	/* the next { is its body */
	bool named;	/* "function" came, or "NAME(": its name or bracket is next */
	bool pattern;	/* of a case: words up to ) */
	bool subject;	/* "case" came: words up to in */
	bool file;	/* a redirection's file is next */
	bool test;	/* in [[ ]]: its operators are none of ours */
	char asked[NAME_MAX_LEN + 1]; /* [ "$1" = --local ] && ... */
	struct {
		char name[VARIABLE_MAX_LEN + 1], value[32], mode[NAME_MAX_LEN + 1];
	} flag[SHELL_FLAGS];
	unsigned flags;
	struct line_seen {
		size_t at;
		unsigned line;
	} *seen; /* where the last line number was counted to */
};

/* ---- shell.c ---- */

/* The words that have come are a command.  0 or -1. */
int shell_command(struct shell *s);

/* ---- blocks.c ---- */

/* One token that is no comment.  0 or -1. */
int shell_token(struct shell *s, struct lex *x, enum token t);
/* A scope below this one; mode "" inherits. */
int shell_push(struct shell *s, bool branch, const char *mode);
void shell_pop(struct shell *s, unsigned scope);

/* ---- modes.c ---- */

/* Assignments from `first` on that are in the branch of a word like --local are
 * remembered: a later condition may ask for them. */
void shell_flags(struct shell *s, unsigned first);
/* The mode that the words, a condition, ask for; "" none. */
void shell_asks(const struct shell *s, char mode[NAME_MAX_LEN + 1], bool *negative);
/* --local as a mode's name; "" when the word is no such. */
void shell_mode(const struct shell *s, const struct span *w, char mode[NAME_MAX_LEN + 1]);

#endif
