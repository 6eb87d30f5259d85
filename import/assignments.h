/*
 * import/assignments.h - what a file says: assignments, and the scopes that
 * they stand in.  Shell files and JSON files come to the same form.
 */
#ifndef IMPORT_ASSIGNMENTS_H
#define IMPORT_ASSIGNMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include "import/locked_text.h"
#include "import/shell_word.h"

struct failure;

#define ASSIGNS_MAX 4096 /* of one file */
#define SCOPES_MAX 2048

/* NAME=value, wherever it stands. */
struct assign {
	char name[VARIABLE_MAX_LEN + 1];
	unsigned line, scope;
	size_t at, end; /* the value in the text, with its quotes; in JSON all of the member */
	size_t from, to; /* the lines that it fills alone; to is 0 when it does not */
	bool nested;	/* in a block, which may not become empty */
	bool commented; /* in a comment */
	enum value_kind kind;
	char *p; /* LITERAL: n bytes in the reading's locked pool */
	size_t n;
	char link[VARIABLE_MAX_LEN + 1]; /* NAME: of which variable */
	char *ref;			 /* SOURCE: the reference, FILE: the path; allocated */
};

/* A block: what is said in it holds there and in the blocks below it. */
struct scope {
	unsigned parent; /* of the first: itself */
	bool branch;	 /* a function, an alias, a case or one command: not for what comes after */
	char mode[NAME_MAX_LEN + 1]; /* --local: "local"; "" none */
};

struct reading {
	struct assign *assign;
	unsigned n, room;
	struct scope *scope;
	unsigned scopes, scope_room;
	struct text pool;
	unsigned bad_line; /* where it could not be read any further */
};

/*
 * Read shell text (fish: fish's).  home is for ~ and $HOME.  Returns 0, or -1
 * (FAIL_CONFIG: the text cannot be read, with its line; FAIL_TOO_LARGE,
 * FAIL_NOT_LOCKED_MEM, FAIL_NO_MEMORY).  reading_free is due in every case.
 */
int shell_read(const struct text *t, bool fish, const char *home, struct reading *r,
	       struct failure *f);

/* The "env" object of a settings file, with the same results. */
int env_read(const struct text *t, struct reading *r, struct failure *f);

int reading_begin(struct reading *r, size_t room, struct failure *f);
void reading_free(struct reading *r);

/* A fresh block, zeroed; NULL with f set.  Others may have moved. */
struct scope *reading_scope(struct reading *r, struct failure *f);

/* A fresh one of that name, zeroed; NULL with f set. */
struct assign *reading_add(struct reading *r, const char *name, size_t n, struct failure *f);

/* Keep n bytes in the pool; NULL with f set. */
char *reading_keep(struct reading *r, const char *p, size_t n, struct failure *f);

/* Is `outer` the scope, or around it? */
bool scope_within(const struct reading *r, unsigned inner, unsigned outer);

/*
 * What the command in text[at] up to text[end] gives: kind becomes LITERAL (p
 * in out, of `room` bytes), SOURCE or FILE (out is the NUL-terminated
 * reference or path), or DYNAMIC, when we do not know.
 */
void substitution_value(const struct wording *w, size_t at, size_t end, char *out, size_t room,
		   struct value *v);

#endif
