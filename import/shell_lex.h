/*
 * import/shell_lex.h - shell text cut into words and operators.  Nothing is
 * executed, sourced or expanded; only quotes and brackets are followed.
 */
#ifndef IMPORT_SHELL_LEX_H
#define IMPORT_SHELL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#define LEX_HEREDOCS 8 /* begun on one line */

enum token { TOKEN_END, TOKEN_NEWLINE, TOKEN_WORD, TOKEN_OP, TOKEN_COMMENT, TOKEN_ERROR };

struct lex {
	const char *text;
	size_t at, end; /* what is left of it */
	bool fish;
	size_t start, stop; /* the token: text[start] up to text[stop] */
	struct {
		size_t at, n; /* the word that ends it, quotes and all */
		bool tabs;
	} doc[LEX_HEREDOCS];
	unsigned docs;
	bool doc_next, doc_tabs; /* the next word ends a here-document */
};

void lex_begin(struct lex *x, const char *text, size_t at, size_t end, bool fish);

/*
 * The next token.  TOKEN_ERROR: a quote or bracket that does not end (start is
 * where it begins), or too much nesting; there is nothing after it.
 */
enum token lex_next(struct lex *x);

/* Is the token this text? */
bool lex_is(const struct lex *x, const char *what);

/*
 * What a bracket at `at` ("$(", "`", "${", "(") spans: the offset behind its
 * end, or 0 when it does not end before `end`.
 */
size_t lex_skip(const char *text, size_t at, size_t end, bool fish);

#endif
