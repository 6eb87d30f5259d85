/*
 * import/settings_env.c - the "env" object of a settings file (Claude
 * Code's, ccs's).  jansson says whether the file is JSON and what it holds; a
 * scanner of ours says where a member stands, which jansson does not tell.
 */
#include <jansson.h>
#include <string.h>

#include "base/fail.h"
#include "import/found.h"
#include "import/json_scan.h"
#include "json/locked.h"

static int malformed(const json_error_t *e, struct reading *r, struct failure *f)
{
	r->bad_line = e->line > 0 ? (unsigned)e->line : 1;
	/* not the error's text: it quotes the file */
	return json_error_code(e) == json_error_out_of_memory
		       ? fail_set(f, FAIL_TOO_LARGE, NULL, "too large to be read in locked memory")
		       : fail_set(f, FAIL_CONFIG, NULL, "this is no JSON");
}

static int member(struct reading *r, const struct json_member *m, json_t *env, struct failure *f)
{
	json_t *value = json_object_getn(env, m->key, m->key_n);
	struct assign *a;

	/* A key with an escape in it is none of ours. */
	if (!json_is_string(value) || m->key_n == 0 || m->key_n > VARIABLE_MAX_LEN ||
	    word_name(m->key, m->key_n) != m->key_n)
		return 0;
	a = reading_add(r, m->key, m->key_n, f);
	if (!a)
		return -1;
	a->kind = VALUE_LITERAL;
	a->line = m->line;
	a->at = m->at;
	a->end = m->end;
	a->n = json_string_length(value);
	a->p = reading_keep(r, json_string_value(value), a->n, f);
	return a->p ? 0 : -1;
}

static int members(const struct text *t, struct reading *r, json_t *root, struct failure *f)
{
	json_t *env = json_object_get(root, "env");
	struct json_scan scan;
	struct json_member m;

	if (!json_is_object(env) || !json_scan_open(&scan, t->p, t->n, "env"))
		return 0;
	while (json_scan_next(&scan, &m))
		if (member(r, &m, env, f) != 0)
			return -1;
	return 0;
}

int env_read(const struct text *t, struct reading *r, struct failure *f)
{
	json_error_t e;
	json_t *root;
	int ret;

	if (reading_begin(r, t->n + 64, f) != 0 || js_locked_begin(js_locked_room(t->n), f) != 0)
		return -1;
	root = json_loadb(t->p, t->n, JSON_REJECT_DUPLICATES, &e);
	if (!root)
		ret = malformed(&e, r, f);
	else
		ret = members(t, r, root, f);
	js_locked_end();
	return ret;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool env_splice(struct text *t, const char *name)
{
	struct json_scan scan;
	struct json_member m;
	size_t from, to;

	if (!json_scan_open(&scan, t->p, t->n, "env"))
		return false;
	do {
		if (!json_scan_next(&scan, &m))
			return false;
	} while (m.key_n != strlen(name) || memcmp(m.key, name, m.key_n) != 0);
	from = m.at;
	to = m.end;
	while (to < t->n && blank(t->p[to]))
		to++;
	if (to < t->n && t->p[to] == ',') {
		for (to++; to < t->n && blank(t->p[to]); to++)
			;
	} else {
		/* the last one: the comma before it goes, its line's end stays */
		while (from > 0 && blank(t->p[from - 1]))
			from--;
		if (from > 0 && t->p[from - 1] == ',') {
			from--;
			to = m.end;
		}
	}
	memmove(t->p + from, t->p + to, t->n - to);
	explicit_bzero(t->p + t->n - (to - from), to - from);
	t->n -= to - from;
	return true;
}

bool env_proof(const struct text *before, const struct text *spliced, const struct text *after,
		    const char *const *names, unsigned n)
{
	json_t *a, *b, *c, *env;
	bool ok;
	unsigned i;

	if (js_locked_begin(js_locked_room(3 * before->n), NULL) != 0)
		return false;
	a = json_loadb(before->p, before->n, JSON_REJECT_DUPLICATES, NULL);
	b = json_loadb(spliced->p, spliced->n, JSON_REJECT_DUPLICATES, NULL);
	c = json_loadb(after->p, after->n, JSON_REJECT_DUPLICATES, NULL);
	env = json_object_get(a, "env");
	for (i = 0, ok = a && b && c; ok && i < n; i++)
		ok = json_object_del(env, names[i]) == 0;
	ok = ok && json_equal(a, b);
	js_locked_end();
	return ok;
}
