/*
 * import/variables.c - what a variable holds at one place of a file.
 */
#include "import/variables.h"

#include <string.h>

#define HOPS 4 /* A=$B, B=$C */

static bool file_is_script(const struct import_file *file)
{
	return file->kind == FILE_SHELL || file->kind == FILE_FISH || file->kind == FILE_NUSHELL ||
	       file->kind == FILE_FISH_VARIABLES;
}

bool variables_are_exported(const struct import_file *file)
{
	return file_is_script(file) && !strstr(file->path, "/bin/");
}

/* The last assignment of name but self: in a scope around, else anywhere in the file. */
static const struct assignment *assignment_of_name(const struct import *im, unsigned file,
						   const char *name, unsigned scope,
						   const struct assignment *self)
{
	const struct assignments *r = &im->file[file].parsed;
	const struct assignment *any = NULL;
	unsigned i;

	for (i = r->n; i-- > 0;) {
		const struct assignment *a = &r->assign[i];

		if (a == self || a->commented || strcmp(a->name, name) != 0 ||
		    (a->kind == VALUE_LITERAL && a->n == 0))
			continue;
		if (assignments_scope_within(r, scope, a->scope))
			return a;
		any = any ? any : a;
	}
	return any;
}

const struct assignment *variable_follow(const struct import *im, unsigned *file,
					 const struct assignment *a)
{
	unsigned hops, i, at = *file;
	const struct assignment *next;

	for (hops = 0; a && a->kind == VALUE_NAME && hops < HOPS; hops++) {
		next = assignment_of_name(im, at, a->link, a->scope, a);
		for (i = 0; !next && i < im->files; i++) {
			/* A repository says nothing of what is not in it, and gets none of it. */
			if (i == *file || !file_is_script(&im->file[i]) ||
			    im->file[i].side != im->file[*file].side)
				continue;
			next = assignment_of_name(im, i, a->link, 0, a);
			at = next ? i : at;
		}
		if (!next)
			return NULL;
		a = next;
	}
	*file = at;
	return a && a->kind != VALUE_NAME ? a : NULL;
}

void variable_text(const struct import *im, unsigned file, const struct assignment *a,
		   char out[SETTING_VALUE_MAX + 1])
{
	size_t i;

	out[0] = '\0';
	a = variable_follow(im, &file, a);
	if (!a || a->kind != VALUE_LITERAL || a->n > SETTING_VALUE_MAX)
		return;
	for (i = 0; i < a->n; i++)
		if (a->p[i] < ' ' || a->p[i] > '~')
			return;
	memcpy(out, a->p, a->n);
	out[a->n] = '\0';
}

/* In a block whose assignments do not hold after it? */
static bool scope_in_branch(const struct assignments *r, unsigned scope)
{
	for (; scope != 0; scope = r->scope[scope].parent)
		if (r->scope[scope].branch)
			return true;
	return false;
}

enum visibility {
	VISIBLE_NOT,
	VISIBLE_IN_FILE,     /* assigned for the whole file */
	VISIBLE_IN_ENCLOSING /* assigned in a scope around */
};

static enum visibility variable_visibility(const struct assignments *r, unsigned scope,
					   const struct assignment *a)
{
	const char *mode = r->scope[a->scope].mode;

	if (a->commented && a->scope != scope)
		return VISIBLE_NOT;
	if (assignments_scope_within(r, scope, a->scope))
		return VISIBLE_IN_ENCLOSING;
	if (scope_in_branch(r, a->scope) || (mode[0] && strcmp(mode, r->scope[scope].mode) != 0))
		return VISIBLE_NOT;
	return VISIBLE_IN_FILE;
}

const struct assignment *variable_visible(const struct import *im, unsigned file, unsigned scope,
					  const char *name)
{
	const struct assignments *r = &im->file[file].parsed;
	const struct assignment *best = NULL;
	enum visibility best_seen = VISIBLE_NOT, seen;
	unsigned i;

	for (i = 0; i < r->n; i++) {
		if (strcmp(r->assign[i].name, name) != 0)
			continue;
		seen = variable_visibility(r, scope, &r->assign[i]);
		/* The inner block wins, then the later line. */
		if (seen > best_seen ||
		    (seen == best_seen && seen != VISIBLE_NOT &&
		     assignments_scope_within(r, r->assign[i].scope, best->scope))) {
			best = &r->assign[i];
			best_seen = seen;
		}
	}
	return best;
}
