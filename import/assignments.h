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
#define SOURCED_MAX 64
#define SCOPE_OF_MAX 64

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

/* Another file that a shell reads at this place: source, direnv's, op run --env-file. */
struct sourced {
	char *path; /* as it is written, ~ and $HOME known; allocated */
	unsigned scope;
	int file; /* which of the import's files it is; -1: none */
};

/* A block: what it assigns holds in it and in the blocks below it. */
struct scope {
	unsigned parent; /* of the first: itself */
	bool branch;	 /* a function, alias, case or command: not for what comes after it */
	char mode[NAME_MAX_LEN + 1]; /* "local" in the branch of --local; "" none */
	char of[SCOPE_OF_MAX];	     /* whose it is in a file of many: a provider; "" */
};

struct assignments {
	struct assignment *assign;
	unsigned n, room;
	struct scope *scope; /* the first is the whole file */
	unsigned scopes, scope_room;
	struct sourced sourced[SOURCED_MAX];
	unsigned sources;
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

/* The assignment's value is this text: a literal, or a reference to another manager that
 * its own runner replaces (op://).  -1 with f set. */
int assignments_set_text(struct assignments *r, struct assignment *a, const char *p, size_t n,
			 struct failure *f);

/* One more file that is read in a scope; a path too many is dropped.  -1: no memory. */
int assignments_add_sourced(struct assignments *r, const char *path, size_t n, unsigned scope,
			    struct failure *f);

/* One more scope, zeroed; NULL with f set.  Pointers to others may have moved. */
struct scope *assignments_add_scope(struct assignments *r, struct failure *f);

/* Is outer the scope inner, or around it? */
bool assignments_scope_within(const struct assignments *r, unsigned inner, unsigned outer);

#endif
