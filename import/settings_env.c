/*
 * import/settings_env.c - the "env" object of a settings file (Claude Code's, ccs's).
 * jansson parses the file; json_scan finds the offsets of members, which jansson
 * does not tell.
 */
#include "import/settings_env.h"

#include <jansson.h>
#include <string.h>

#include "base/fail.h"
#include "import/json_scan.h"
#include "json/locked.h"

static int settings_malformed(const json_error_t *e, struct assignments *r, struct failure *f)
{
	r->bad_line = e->line > 0 ? (unsigned)e->line : 1;
	/* jansson's own text quotes the file, which may be a key. */
	return json_error_code(e) == json_error_out_of_memory
		       ? fail_set(f, FAIL_TOO_LARGE, NULL, "too large to be read in locked memory")
		       : fail_set(f, FAIL_CONFIG, NULL, "this is no JSON");
}

static int settings_env_member(struct assignments *r, const struct json_member *m, json_t *env,
			       struct failure *f)
{
	json_t *value = json_object_getn(env, m->key, m->key_n);
	struct assignment *a;

	/* The name of a variable has no escapes, so that the key in the text is the name. */
	if (!json_is_string(value) || m->key_n == 0 || m->key_n > VARIABLE_MAX_LEN ||
	    variable_name_length(m->key, m->key_n) != m->key_n)
		return 0;
	a = assignments_add(r, m->key, m->key_n, f);
	if (!a)
		return -1;
	a->line = m->line;
	a->at = m->at;
	a->end = m->end;
	return assignments_set_text(r, a, json_string_value(value), json_string_length(value), f);
}

static int settings_env_members(const struct locked_text *t, struct assignments *r, json_t *root,
				struct failure *f)
{
	json_t *env = json_object_get(root, "env");
	struct json_scan scan;
	struct json_member m;

	if (!json_is_object(env) || !json_scan_open(&scan, t->p, t->n, "env"))
		return 0;
	while (json_scan_next(&scan, &m))
		if (settings_env_member(r, &m, env, f) != 0)
			return -1;
	return 0;
}

int settings_env_parse(const struct locked_text *t, struct assignments *r, struct failure *f)
{
	json_error_t e;
	json_t *root;
	int ret;

	if (assignments_begin(r, t->n + 64, f) != 0 ||
	    js_locked_begin(js_locked_room(t->n), f) != 0)
		return -1;
	root = json_loadb(t->p, t->n, JSON_REJECT_DUPLICATES, &e);
	if (!root)
		ret = settings_malformed(&e, r, f);
	else
		ret = settings_env_members(t, r, root, f);
	js_locked_end();
	return ret;
}

static bool is_json_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool settings_env_remove(struct locked_text *t, const char *name)
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
	while (to < t->n && is_json_blank(t->p[to]))
		to++;
	if (to < t->n && t->p[to] == ',') {
		for (to++; to < t->n && is_json_blank(t->p[to]); to++)
			;
	} else {
		/* The last member: the comma before it goes, the end of its line stays. */
		while (from > 0 && is_json_blank(t->p[from - 1]))
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

bool settings_env_only_removed(const struct locked_text *before, const struct locked_text *removed,
			       const struct locked_text *after, const char *const *names,
			       unsigned n)
{
	json_t *a, *b, *c, *env;
	bool ok;
	unsigned i;

	if (js_locked_begin(js_locked_room(3 * before->n), NULL) != 0)
		return false;
	a = json_loadb(before->p, before->n, JSON_REJECT_DUPLICATES, NULL);
	b = json_loadb(removed->p, removed->n, JSON_REJECT_DUPLICATES, NULL);
	c = json_loadb(after->p, after->n, JSON_REJECT_DUPLICATES, NULL);
	env = json_object_get(a, "env");
	for (i = 0, ok = a && b && c; ok && i < n; i++)
		ok = json_object_del(env, names[i]) == 0;
	ok = ok && json_equal(a, b);
	js_locked_end();
	return ok;
}
