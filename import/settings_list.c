/*
 * import/settings_list.c - the models, times and switches that stand
 * beside a token.
 */
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "config/provider/variables.h"

#define HOPS 4 /* A=$B, B=$C */

static const struct assign *named(const struct import *im, unsigned file, const char *name,
				  unsigned scope, const struct assign *self)
{
	const struct reading *r = &im->file[file].r;
	const struct assign *any = NULL;
	unsigned i;

	for (i = r->n; i-- > 0;) {
		const struct assign *a = &r->assign[i];

		if (a == self || a->commented || strcmp(a->name, name) != 0 ||
		    (a->kind == VALUE_LITERAL && a->n == 0))
			continue;
		if (scope_within(r, scope, a->scope))
			return a;
		any = any ? any : a;
	}
	return any;
}

const struct assign *settings_chase(const struct import *im, unsigned *file, const struct assign *a)
{
	unsigned hops, i, at = *file;
	const struct assign *next;

	for (hops = 0; a && a->kind == VALUE_NAME && hops < HOPS; hops++) {
		next = named(im, at, a->link, a->scope, a);
		for (i = 0; !next && i < im->files; i++) {
			if (i == *file || im->file[i].kind == FILE_SETTINGS || im->file[i].kind == FILE_KEY)
				continue;
			next = named(im, i, a->link, 0, a);
			at = next ? i : at;
		}
		if (!next)
			return NULL;
		a = next;
	}
	*file = at;
	return a && a->kind != VALUE_NAME ? a : NULL;
}

void settings_text(const struct import *im, unsigned file, const struct assign *a,
		   char out[SETTING_VALUE + 1])
{
	size_t i;

	out[0] = '\0';
	a = settings_chase(im, &file, a);
	if (!a || a->kind != VALUE_LITERAL || a->n > SETTING_VALUE)
		return;
	for (i = 0; i < a->n; i++)
		if (a->p[i] < ' ' || a->p[i] > '~')
			return;
	memcpy(out, a->p, a->n);
	out[a->n] = '\0';
}

/* In a block that what comes after is not concerned by? */
static bool in_branch(const struct reading *r, unsigned scope)
{
	for (; scope != 0; scope = r->scope[scope].parent)
		if (r->scope[scope].branch)
			return true;
	return false;
}

/* 2: in a block around `scope`; 1: in the same file, where everybody sees it; 0. */
static int rank(const struct reading *r, unsigned scope, const struct assign *a)
{
	const char *mode = r->scope[a->scope].mode;

	if (a->commented && a->scope != scope)
		return 0;
	if (scope_within(r, scope, a->scope))
		return 2;
	return !in_branch(r, a->scope) && (!mode[0] || strcmp(mode, r->scope[scope].mode) == 0);
}

const struct assign *settings_see(const struct import *im, unsigned file, unsigned scope,
				  const char *name)
{
	const struct reading *r = &im->file[file].r;
	const struct assign *best = NULL;
	int best_rank = 0, this;
	unsigned i;

	for (i = 0; i < r->n; i++) {
		if (strcmp(r->assign[i].name, name) != 0)
			continue;
		this = rank(r, scope, &r->assign[i]);
		/* the deeper block wins, then the later line */
		if (this > best_rank || (this == best_rank && this > 0 &&
					 scope_within(r, r->assign[i].scope, best->scope))) {
			best = &r->assign[i];
			best_rank = this;
		}
	}
	return best;
}

static bool starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Does it belong into a provider's file, as a model or in [env]? */
static bool interesting(const char *name)
{
	const char *hint = variable_refusal_hint(name);

	if (hint && strstr(hint, "in [models]"))
		return true;
	if (hint || variable_is_secret(name))
		return false;
	return starts(name, "CLAUDE_CODE_") || starts(name, "ANTHROPIC_") || starts(name, "DISABLE_") ||
	       strcmp(name, "API_TIMEOUT_MS") == 0 || strcmp(name, "MAX_THINKING_TOKENS") == 0 ||
	       strcmp(name, "ENABLE_TOOL_SEARCH") == 0 || strcmp(name, "MCP_TIMEOUT") == 0 ||
	       strcmp(name, "MCP_TOOL_TIMEOUT") == 0;
}

/* What a line of a provider's file can hold as it is. */
static bool fits(const char *value)
{
	size_t n = strlen(value);

	return n > 0 && value[0] != ' ' && value[n - 1] != ' ' && !strstr(value, "${") &&
	       !strchr(value, ';') && !starts(value, "sk-");
}

int settings_gather(const struct import *im, unsigned file, unsigned scope, const char *only,
		    struct settings_list *l, struct failure *f)
{
	const struct reading *r = &im->file[file].r;
	const struct assign *a;
	char value[SETTING_VALUE + 1];
	unsigned i, k;

	l->set = calloc(SETTINGS_MAX, sizeof(*l->set));
	if (!l->set)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	for (i = 0; i < r->n && l->n < SETTINGS_MAX; i++) {
		a = &r->assign[i];
		if (!interesting(a->name) || (only && strcmp(r->scope[a->scope].mode, only) != 0))
			continue;
		if (!only && settings_see(im, file, scope, a->name) != a)
			continue;
		settings_text(im, file, a, value);
		if (!fits(value))
			continue;
		for (k = 0; k < l->n && strcmp(l->set[k].name, a->name) != 0; k++)
			;
		memcpy(l->set[k].name, a->name, sizeof(a->name));
		memcpy(l->set[k].value, value, sizeof(value));
		l->n += k == l->n;
	}
	return 0;
}
