/*
 * import/assignments.c - what a file assigns to variables, and in which scopes.
 */
#include "import/assignments.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

int assignments_begin(struct assignments *r, size_t room, struct failure *f)
{
	memset(r, 0, sizeof(*r));
	if (!assignments_add_scope(r, f))
		return -1;
	return locked_text_new(&r->pool, room, f);
}

struct scope *assignments_add_scope(struct assignments *r, struct failure *f)
{
	struct scope *grown = r->scope;

	if (r->scopes == SCOPES_MAX) {
		fail_set(f, FAIL_CONFIG, NULL, "too many blocks");
		return NULL;
	}
	if (r->scopes == r->scope_room) {
		r->scope_room = r->scope_room ? 2 * r->scope_room : 16;
		grown = reallocarray(r->scope, r->scope_room, sizeof(*grown));
		if (!grown) {
			fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
			return NULL;
		}
		r->scope = grown;
	}
	grown += r->scopes++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

void assignments_free(struct assignments *r)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		free(r->assign[i].ref);
	for (i = 0; i < r->sources; i++)
		free(r->sourced[i].path);
	free(r->assign);
	free(r->scope);
	locked_text_free(&r->pool);
	memset(r, 0, sizeof(*r));
}

struct assignment *assignments_add(struct assignments *r, const char *name, size_t n,
				   struct failure *f)
{
	struct assignment *grown = r->assign;

	if (r->n == ASSIGNMENTS_MAX) {
		fail_set(f, FAIL_TOO_LARGE, NULL, "more than %d assignments", ASSIGNMENTS_MAX);
		return NULL;
	}
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 32;
		grown = reallocarray(r->assign, r->room, sizeof(*grown));
		if (!grown) {
			fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
			return NULL;
		}
		r->assign = grown;
	}
	grown += r->n++;
	memset(grown, 0, sizeof(*grown));
	memcpy(grown->name, name, n);
	return grown;
}

/* What `op run` puts a secret in the place of: one line. */
static bool text_is_reference(const char *p, size_t n)
{
	size_t i;

	if (n <= 5 || memcmp(p, "op://", 5) != 0)
		return false;
	for (i = 5; i < n && (unsigned char)p[i] >= ' ' && p[i] != 0x7f; i++)
		;
	return i == n;
}

int assignments_set_text(struct assignments *r, struct assignment *a, const char *p, size_t n,
			 struct failure *f)
{
	if (text_is_reference(p, n)) {
		a->kind = VALUE_SOURCE;
		a->ref = strndup(p, n);
		return a->ref ? 0 : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	}
	if (n > r->pool.room - r->pool.n)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "its values are too long");
	a->kind = VALUE_LITERAL;
	a->p = r->pool.p + r->pool.n;
	a->n = n;
	memcpy(a->p, p, n);
	r->pool.n += n;
	return 0;
}

int assignments_add_sourced(struct assignments *r, const char *path, size_t n, unsigned scope,
			    struct failure *f)
{
	struct sourced *to = &r->sourced[r->sources];

	if (n == 0 || r->sources == SOURCED_MAX)
		return 0;
	to->path = strndup(path, n);
	to->scope = scope;
	to->file = -1;
	if (!to->path)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	r->sources++;
	return 0;
}

bool assignments_scope_within(const struct assignments *r, unsigned inner, unsigned outer)
{
	while (inner != outer && inner != 0)
		inner = r->scope[inner].parent;
	return inner == outer;
}
