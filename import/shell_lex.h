/*
 * import/shell_lex.h - splits shell text into words and operators.  Nothing is
 * executed, sourced or expanded; only quotes and brackets are matched.
 */
#ifndef IMPORT_SHELL_LEX_H
#define IMPORT_SHELL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#define LEX_HEREDOCS 8 /* begun on one line */

enum lexeme { LEX_END, LEX_NEWLINE, LEX_WORD, LEX_OP, LEX_COMMENT, LEX_ERROR };

struct lex {
	const char *text;
	size_t at, end; /* the rest of it */
	bool fish;
	size_t start, stop; /* the lexeme: text[start..stop) */
	struct {
		size_t at, n; /* the word that ends it, with its quotes */
		bool tabs;
	} doc[LEX_HEREDOCS];
	unsigned docs;
	bool doc_next, doc_tabs; /* the next word ends a here-document */
};

/* Split text[at..end). */
void lex_begin(struct lex *x, const char *text, size_t at, size_t end, bool fish);

/*
 * The next lexeme.  LEX_ERROR: a quote or bracket that does not end (start is
 * where it begins), or too much nesting; it is the last one.
 */
enum lexeme lex_next(struct lex *x);

/* Is the lexeme this text? */
bool lex_is(const struct lex *x, const char *what);

/*
 * The offset behind the closing bracket of "$(", "`", "${" or "(" at `at`, or 0
 * when it does not end before `end`.
 */
size_t lex_skip(const char *text, size_t at, size_t end, bool fish);

#endif
