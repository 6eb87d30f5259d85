/*
 * import/json_env.c - variables in other programs' JSON files.
 */
#include "import/json_env.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "import/json_scan.h"
#include "import/token_variables.h"
#include "json/locked.h"

#define PATH_DEPTH 5

struct json_env {
	const char *text; /* n bytes, without comments */
	size_t n;
	struct assignments *r;
	struct failure *f;
	char of[SCOPE_OF_MAX];
};

/* Where the variables are; "*" is any key, and its object says whose they are. */
static const char *const places[][PATH_DEPTH + 1] = {
	[JSON_ENV_EDITOR] = { "claudeCode.environmentVariables" },
	[JSON_ENV_CC_SWITCH] = { "claude", "providers", "*", "settingsConfig", "env" },
	[JSON_ENV_ROUTER] = { "Providers" },
	[JSON_ENV_SETTINGS] = { "env" },
};

/* Second places of the same files. */
static const char *const more_places[][PATH_DEPTH + 1] = {
	[JSON_ENV_EDITOR] = { "terminal.integrated.env.linux" },
	/* The first versions knew one client. */
	[JSON_ENV_CC_SWITCH] = { "providers", "*", "settingsConfig", "env" },
	[JSON_ENV_ROUTER] = { "providers" },
	[JSON_ENV_SETTINGS] = { NULL },
};

/* The string text[m->value..m->value_end), decoded; NULL: it is none. */
static json_t *member_string(const struct json_env *e, const struct json_member *m)
{
	json_t *v = json_loadb(e->text + m->value, m->value_end - m->value, JSON_DECODE_ANY, NULL);

	return json_is_string(v) ? v : NULL;
}

static bool member_is(const struct json_member *m, const char *key)
{
	return m->key_n == strlen(key) && memcmp(m->key, key, m->key_n) == 0;
}

/* The member `key` of the object at text[at]. */
static bool object_member(const struct json_env *e, size_t at, const char *key,
			  struct json_member *m)
{
	struct json_scan s;

	if (e->text[at] != '{' || !json_scan_begin(&s, e->text, e->n, at))
		return false;
	while (json_scan_next(&s, m))
		if (member_is(m, key))
			return true;
	return false;
}

/* "$NAME", "${NAME}" or "${env:NAME}" and nothing else: which variable; 0: it is none of these. */
static size_t value_names_variable(const char *value, const char **name)
{
	size_t n = strlen(value);

	if (value[0] != '$')
		return 0;
	*name = value + 1;
	n--;
	if (**name == '{' && value[n] == '}') {
		*name += 1;
		n -= 2;
		if (strncmp(*name, "env:", 4) == 0) {
			*name += 4;
			n -= 4;
		}
	}
	return n <= VARIABLE_MAX_LEN && variable_name_length(*name, n) == n ? n : 0;
}

/* One variable: name (n bytes) and the string that is its value. */
static int variable_add(struct json_env *e, const char *name, size_t n,
			const struct json_member *value, unsigned scope)
{
	json_t *v = member_string(e, value);
	const char *of = NULL;
	struct assignment *a;
	size_t of_n;

	if (!v || n == 0 || n > VARIABLE_MAX_LEN || variable_name_length(name, n) != n)
		return 0;
	a = assignments_add(e->r, name, n, e->f);
	if (!a)
		return -1;
	a->line = value->line;
	a->scope = scope;
	a->at = value->value;
	a->end = value->value_end;
	/* What the editor or the router replaces by a variable. */
	of_n = value_names_variable(json_string_value(v), &of);
	if (of_n > 0) {
		a->kind = VALUE_NAME;
		memcpy(a->link, of, of_n);
		a->link[of_n] = '\0';
		return 0;
	}
	if (strstr(json_string_value(v), "${")) {
		a->kind = VALUE_DYNAMIC;
		return 0;
	}
	return assignments_set_text(e->r, a, json_string_value(v), json_string_length(v), e->f);
}

/* [{"name": "A", "value": "b"}] */
static int variable_add_pair(struct json_env *e, const struct json_member *m, unsigned scope)
{
	struct json_member name, value;
	const json_t *v;

	if (!object_member(e, m->value, "name", &name) ||
	    !object_member(e, m->value, "value", &value))
		return 0;
	v = member_string(e, &name);
	return v ? variable_add(e, json_string_value(v), json_string_length(v), &value, scope) : 0;
}

static int scope_add(struct json_env *e, unsigned *scope)
{
	struct scope *s = assignments_add_scope(e->r, e->f);

	if (!s)
		return -1;
	s->branch = true;
	memcpy(s->of, e->of, sizeof(s->of));
	*scope = e->r->scopes - 1;
	return 0;
}

static int variables_read(struct json_env *e, size_t at)
{
	struct json_scan s;
	struct json_member m;
	unsigned scope;
	int r = 0;

	if (!json_scan_begin(&s, e->text, e->n, at))
		return 0;
	if (scope_add(e, &scope) != 0)
		return -1;
	if (e->text[at] == '{')
		while (r == 0 && json_scan_next(&s, &m))
			r = variable_add(e, m.key, m.key_n, &m, scope);
	else
		while (r == 0 && json_scan_element(&s, &m))
			r = variable_add_pair(e, &m, scope);
	return r;
}

/* A list of claude-code-router: name, api_base_url, api_key.  The address is that of
 * another protocol; the key is the vendor's all the same. */
static int router_read(struct json_env *e, size_t at)
{
	struct json_scan s;
	struct json_member m, key, url;
	const struct vendor_variable *vendor;
	const json_t *v;
	unsigned scope;

	if (!json_scan_begin(&s, e->text, e->n, at) || e->text[at] != '[')
		return 0;
	while (json_scan_element(&s, &m)) {
		if (!object_member(e, m.value, "api_key", &key) ||
		    !object_member(e, m.value, "api_base_url", &url))
			continue;
		v = member_string(e, &url);
		vendor = v ? vendor_variable_of_address(json_string_value(v)) : NULL;
		v = object_member(e, m.value, "name", &url) ? member_string(e, &url) : NULL;
		snprintf(e->of, sizeof(e->of), "%s", v ? json_string_value(v) : "");
		if (scope_add(e, &scope) != 0 ||
		    variable_add(e, vendor ? vendor->name : OTHER_API_KEY,
				 strlen(vendor ? vendor->name : OTHER_API_KEY), &key, scope) != 0)
			return -1;
	}
	return 0;
}

/* The object at text[at], which a "*" stands for, says whose it is. */
static void note_whose(struct json_env *e, const struct json_member *m)
{
	struct json_member name;
	const json_t *v = NULL;

	if (object_member(e, m->value, "name", &name))
		v = member_string(e, &name);
	if (v)
		snprintf(e->of, sizeof(e->of), "%s", json_string_value(v));
	else
		snprintf(e->of, sizeof(e->of), "%.*s",
			 m->key_n < sizeof(e->of) ? (int)m->key_n : (int)sizeof(e->of) - 1, m->key);
}

/* The first client's variable among the scope's that is there and empty, or NULL. */
static const char *scope_lacks_key(const struct json_env *e, unsigned scope)
{
	const char *lacks = NULL;
	unsigned i;

	for (i = 0; i < e->r->n; i++) {
		const struct assignment *a = &e->r->assign[i];

		if (a->scope != scope || !client_variable_find(a->name))
			continue;
		if (a->kind != VALUE_LITERAL || a->n > 0)
			return NULL;
		lacks = lacks ? lacks : a->name;
	}
	return lacks;
}

/*
 * cc-switch's first versions kept a key as "apiKey" beside "env", and it is still what its form
 * shows: the variable in "env" is empty then, which Claude Code answers with a refused key.
 */
static int key_beside_env(struct json_env *e, size_t at)
{
	struct json_member m;
	const char *lacks;
	unsigned scope = e->r->scopes - 1;

	if (e->r->scopes == 0 || !object_member(e, at, "apiKey", &m))
		return 0;
	lacks = scope_lacks_key(e, scope);
	return lacks ? variable_add(e, lacks, strlen(lacks), &m, scope) : 0;
}

static int place_read(struct json_env *e, size_t at, const char *const *key,
		      enum json_env_kind kind)
{
	struct json_scan s;
	struct json_member m;
	int r = 0;

	if (!*key)
		return kind == JSON_ENV_ROUTER ? router_read(e, at) : variables_read(e, at);
	if (e->text[at] != '{' || !json_scan_begin(&s, e->text, e->n, at))
		return 0;
	while (r == 0 && json_scan_next(&s, &m)) {
		bool any = strcmp(*key, "*") == 0;

		if (!any && !member_is(&m, *key))
			continue;
		if (any)
			note_whose(e, &m);
		r = place_read(e, m.value, key + 1, kind);
		if (r == 0 && !key[1] && strcmp(*key, "env") == 0)
			r = key_beside_env(e, at);
	}
	return r;
}

static size_t first_value(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && strchr(" \t\r\n", p[i]))
		i++;
	return i;
}

int json_env_add(const char *p, size_t n, enum json_env_kind kind, const char *of,
		 struct assignments *r, struct failure *f)
{
	struct json_env e = { p, n, r, f, "" };
	json_error_t error;
	size_t at = first_value(p, n);
	int ret = 0;

	snprintf(e.of, sizeof(e.of), "%s", of);
	/* The tree is checked and forgotten; the strings that are read come after it. */
	if (js_locked_begin(js_locked_room(n), f) != 0)
		return -1;
	if (!json_loadb(p, n, 0, &error)) {
		r->bad_line = error.line > 0 ? (unsigned)error.line : 1;
		ret = json_error_code(&error) == json_error_out_of_memory
			      ? fail_set(f, FAIL_TOO_LARGE, NULL,
					 "too large to be read in locked memory")
			      : fail_set(f, FAIL_CONFIG, NULL, "this is no JSON");
	}
	if (ret == 0)
		ret = place_read(&e, at, places[kind], kind);
	if (ret == 0 && more_places[kind][0])
		ret = place_read(&e, at, more_places[kind], kind);
	js_locked_end();
	return ret;
}

int json_env_parse(const struct locked_text *t, enum json_env_kind kind, struct assignments *r,
		   struct failure *f)
{
	struct locked_text plain = { 0 };
	int ret = -1;

	if (assignments_begin(r, t->n + 64, f) != 0)
		return -1;
	if (first_value(t->p, t->n) == t->n)
		return 0; /* an editor's settings may be an empty file */
	if (locked_text_new(&plain, t->n, f) == 0) {
		memcpy(plain.p, t->p, t->n);
		plain.n = t->n;
		json_blank_comments(plain.p, plain.n);
		ret = json_env_add(plain.p, plain.n, kind, "", r, f);
	}
	locked_text_free(&plain);
	return ret;
}
