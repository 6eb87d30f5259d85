/*
 * import/assignments.h - what a file assigns to variables, and in which scopes.
 * Shell files and JSON files come to the same form.
 */
#ifndef IMPORT_ASSIGNMENTS_H
#define IMPORT_ASSIGNMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include "import/locked_text.h"
#include "import/shell_word.h"
#include "wire/limits.h"

struct failure;

#define ASSIGNMENTS_MAX 4096 /* of one file */
#define SCOPES_MAX 2048

/* NAME=value, wherever it stands. */
struct assignment {
	char name[VARIABLE_MAX_LEN + 1];
	unsigned line, scope;
	size_t at, end;	 /* the value in the text, with its quotes; in JSON all of the member */
	size_t from, to; /* the whole lines, when they hold nothing else; else to is 0 */
	bool nested;	 /* in a block, which may not become empty */
	bool commented;	 /* in a comment */
	enum value_kind kind;
	char *p; /* VALUE_LITERAL: n bytes in the values below */
	size_t n;
	char link[VARIABLE_MAX_LEN + 1]; /* VALUE_NAME: the variable */
	char *ref; /* VALUE_SOURCE: the reference, VALUE_FILE: the path; allocated */
};

/* A block: what it assigns holds in it and in the blocks below it. */
struct scope {
	unsigned parent; /* of the first: itself */
	bool branch;	 /* a function, alias, case or command: not for what comes after it */
	char mode[NAME_MAX_LEN + 1]; /* "local" in the branch of --local; "" none */
};

struct assignments {
	struct assignment *assign;
	unsigned n, room;
	struct scope *scope; /* the first is the whole file */
	unsigned scopes, scope_room;
	struct locked_text pool; /* the values of literals */
	unsigned bad_line;	 /* where the file could not be parsed any further */
};

/* room: bytes that all values may have.  Returns 0 or -1; assignments_free is due. */
int assignments_begin(struct assignments *r, size_t room, struct failure *f);

/* Free, and wipe the values. */
void assignments_free(struct assignments *r);

/* One more, zeroed but for its name (n bytes, at most VARIABLE_MAX_LEN); NULL with f
 * set.  Pointers to others may have moved. */
struct assignment *assignments_add(struct assignments *r, const char *name, size_t n,
				   struct failure *f);

/* Copy n bytes into the values; NULL with f set. */
char *assignments_keep_value(struct assignments *r, const char *p, size_t n, struct failure *f);

/* One more scope, zeroed; NULL with f set.  Pointers to others may have moved. */
struct scope *assignments_add_scope(struct assignments *r, struct failure *f);

/* Is outer the scope inner, or around it? */
bool assignments_scope_within(const struct assignments *r, unsigned inner, unsigned outer);

#endif
