/*
 * config/provider/provider.c - loading a provider: its layers are read, then resolved
 * step by step.
 */
#include "config/provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fail.h"
#include "config/provider/env_list.h"
#include "config/provider/layers.h"
#include "config/provider/params.h"
#include "config/provider/resolve_auth.h"
#include "config/provider/resolve_endpoint.h"
#include "config/provider/resolve_env.h"
#include "config/provider/resolve_params.h"
#include "config/provider/resolve_secrets.h"
#include "config/provider/view.h"
#include "config/settings/colour.h"
#include "wire/names.h"

/* needs_any is evaluated word by word elsewhere: refuse words that are not known there. */
static int provider_check_needs(const struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "needs_any", NULL);
	const char *s;

	for (s = p->needs_any; *s; s += strcspn(s, " \t")) {
		s += strspn(s, " \t");
		if (*s && strncmp(s, "env:", 4) != 0 && strncmp(s, "file:~/", 7) != 0 &&
		    strncmp(s, "file:/", 6) != 0)
			return ini_fail(f, it, NULL, "needs_any: words are env:NAME or file:PATH");
	}
	return 0;
}

/* Of verified = "no, from documentation; seen at ..." it is "from documentation". */
static void provider_set_unverified(struct provider *p)
{
	const char *why = p->verified + 2;
	size_t n;

	if (strncmp(p->verified, "no", 2) != 0 || !strchr(",; ", *why))
		return;
	why += strspn(why, ", ");
	n = strcspn(why, ";");
	if (n == 0 || n >= sizeof(p->unverified))
		snprintf(p->unverified, sizeof(p->unverified), "see its file");
	else
		snprintf(p->unverified, sizeof(p->unverified), "%.*s", (int)n, why);
}

/* The item of a key whose words a person follows, or takes for ours: whose they are has to be
 * told.  by: the file of the user's own that says them, or "". */
static const struct ini_item *provider_note_words(const struct view *v, const char *key,
						  char by[PROVIDER_PATH])
{
	const struct layer_section *from = NULL;
	const struct ini_item *it = view_get(v, "provider", key, &from);

	if (it && view_is_users(v, from->file))
		snprintf(by, PROVIDER_PATH, "%s", it->path);
	return it;
}

static int provider_set_texts(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = provider_note_words(v, "key_url", p->key_url_by);

	provider_note_words(v, "title", p->title_by);
	provider_note_words(v, "needs", p->needs_by);
	if (params_text(p, v, "title", p->title, sizeof(p->title), f) != 0 ||
	    params_text(p, v, "docs", p->docs, sizeof(p->docs), f) != 0 ||
	    params_text(p, v, "verified", p->verified, sizeof(p->verified), f) != 0 ||
	    params_text(p, v, "key_url", p->key_url, sizeof(p->key_url), f) != 0 ||
	    params_text(p, v, "needs", p->needs, sizeof(p->needs), f) != 0 ||
	    params_text(p, v, "needs_any", p->needs_any, sizeof(p->needs_any), f) != 0)
		return -1;
	if (!p->title[0])
		snprintf(p->title, sizeof(p->title), "%s", p->name);
	/* Programs print these as they are. */
	fail_sanitize(p->title);
	fail_sanitize(p->needs);
	if (it && (strncmp(p->key_url, "https://", 8) != 0 || strchr(p->key_url, ' ')))
		return ini_fail(f, it, NULL, "key_url is an https:// address");
	provider_set_unverified(p);
	return provider_check_needs(p, v, f);
}

/* Is the endpoint this machine because of the mode, and not of the provider? */
static bool provider_made_local(const struct provider *p, const struct view *v)
{
	const struct layer_section *from = NULL;

	if (!p->local || !p->mode[0])
		return false;
	return v->borrowed || (view_get(v, "provider", "base_url", &from) && from->mode);
}

/* What the status line shows.  A mode whose endpoint is this machine is "Local", not the
 * provider's own label. */
static int provider_set_label(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *own = view_get(v, "statusline", "label", NULL);
	const struct ini_item *colour = view_get(v, "statusline", "colour", NULL);
	char sgr[COLOUR_SGR];

	if (own && strlen(own->value) > PROVIDER_LABEL_MAX)
		return ini_fail(f, own, "it is a word or two", "label has more than %d bytes",
				PROVIDER_LABEL_MAX);
	if (colour && colour_sgr(colour->value, sgr) != 0)
		return ini_fail(f, colour, "like cyan, bright-red, bold 208, dim, none",
				"colour is no colour");
	if (provider_made_local(p, v))
		snprintf(p->label, sizeof(p->label), "Local");
	else
		snprintf(p->label, sizeof(p->label), "%s", own ? own->value : p->title);
	snprintf(p->colour, sizeof(p->colour), "%s", colour ? colour->value : "");
	return 0;
}

/* Which quota to fetch; an endpoint on this machine has none. */
static int provider_set_usage(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *kind = view_get(v, "usage", "kind", NULL);

	if (kind && !wire_name_ok(kind->value))
		return ini_fail(f, kind, NULL, "kind is not the name of a kind");
	if (kind && !p->local)
		snprintf(p->usage, sizeof(p->usage), "%s", kind->value);
	return 0;
}

static int provider_set_policy(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[POLICY_KEYS];
	struct failure why;
	int i, n = view_items(v, 0, "policy", items, POLICY_KEYS, f);

	policy_default(&p->policy);
	for (i = 0; i < n; i++) {
		if (policy_set(&p->policy, items[i]->key, items[i]->value, &why) != 0)
			return ini_fail(f, items[i], why.hint[0] ? why.hint : NULL, "%s", why.what);
		p->says_nested = p->says_nested || strcmp(items[i]->key, "nested") == 0;
	}
	p->policy.exposed = p->exposed;
	return n < 0 ? -1 : 0;
}

static int provider_set_prices(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[PRICE_LINES_MAX];
	int i, n = view_items(v, 0, "prices", items, PRICE_LINES_MAX, f);
	struct failure why;

	for (i = 0; i < n; i++) {
		/* An empty value takes back what a lower layer said. */
		if (!items[i]->value[0])
			continue;
		if (price_line_parse(&p->price[p->prices], items[i]->key, items[i]->value, &why) !=
		    0)
			return ini_fail(f, items[i], why.hint[0] ? why.hint : NULL, "%s", why.what);
		env_list_where(items[i], p->price_where[p->prices]);
		p->prices++;
	}
	return n < 0 ? -1 : 0;
}

/* What a load is told besides the files. */
struct load_words {
	struct layer_sources files;
	const struct provider_value *value; /* on trial, in the place of what the files say */
	unsigned n;
	struct provider_answers answers;
};

static void provider_set_values(struct provider *p, const struct load_words *w)
{
	unsigned i, k;

	for (k = 0; k < w->n; k++)
		for (i = 0; i < p->params; i++)
			if (strcmp(p->param[i].name, w->value[k].key) == 0)
				snprintf(p->param[i].value, sizeof(p->param[i].value), "%s",
					 w->value[k].value);
}

/* What answers an open parameter; or NULL.  A choice between several values is a person's. */
static const char *param_answer(const struct provider_param *param,
				const struct provider_answers *a)
{
	if (param->value[0])
		return NULL;
	if (a->model && strcmp(param->name, "model") == 0)
		return a->model;
	return a->defaults && param->fallback[0] && !param->choices[0] ? param->fallback : NULL;
}

static void provider_answer_open(struct provider *p, const struct provider_answers *a)
{
	const char *value;
	unsigned i;

	for (i = 0; i < p->params; i++) {
		value = param_answer(&p->param[i], a);
		p->param[i].answered = value != NULL;
		if (value)
			snprintf(p->param[i].value, sizeof(p->param[i].value), "%s", value);
	}
}

static void chain_note_users_file(const struct chain *c, struct provider *p)
{
	unsigned i;

	for (i = 0; i < c->n; i++) {
		if (!c->layer[i].users)
			continue;
		snprintf(p->users_file, sizeof(p->users_file), "%s", c->layer[i].file->path);
		/* The shipped file of a name is right below the user's. */
		if (i > 0 && strcmp(c->layer[i - 1].owner, c->layer[i].owner) == 0)
			snprintf(p->users_over, sizeof(p->users_over), "%s",
				 c->layer[i].file->path);
	}
}

/* The highest shipped file's owner; out keeps what it has where there is none. */
static void chain_note_shipped(const struct chain *c, char out[NAME_MAX_LEN + 1])
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (!c->layer[i].users)
			snprintf(out, NAME_MAX_LEN + 1, "%s", c->layer[i].owner);
}

static void provider_set_files(struct provider *p, const struct view *v)
{
	chain_note_users_file(&v->other, p);
	chain_note_users_file(&v->own, p);
	chain_note_shipped(&v->own, p->shipped);
	chain_note_shipped(&v->own, p->shipped_base);
	chain_note_shipped(&v->other, p->shipped_base);
	if (v->borrowed)
		snprintf(p->borrowed, sizeof(p->borrowed), "%s",
			 v->other.layer[v->other.n - 1].owner);
}

static int provider_resolve(struct provider *p, const struct view *v, const struct load_words *w,
			    struct failure *f)
{
	p->mode_count = layers_modes(&v->own, p->modes, PROVIDER_MODES_MAX);
	if (resolve_params(p, v, f) != 0)
		return -1;
	provider_set_values(p, w);
	provider_answer_open(p, &w->answers);
	provider_set_files(p, v);
	if (resolve_check_choices(p, v, f) != 0 || resolve_auth(p, v, f) != 0 ||
	    resolve_secrets(p, v, f) != 0 || resolve_endpoint(p, v, f) != 0 ||
	    provider_set_policy(p, v, f) != 0 || provider_set_prices(p, v, f) != 0 ||
	    resolve_env(p, v, f) != 0)
		return -1;
	return provider_set_texts(p, v, f) != 0 || provider_set_label(p, v, f) != 0
		       ? -1
		       : provider_set_usage(p, v, f);
}

/*
 * The struct has a hundred kilobytes, of which few are used.  Fresh pages are zero
 * already; calloc may write all of them, which costs time at every start of ccrun.
 */
static struct provider *provider_alloc(void)
{
	void *p = mmap(NULL, sizeof(struct provider), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int provider_load_as(const char *name, const char *mode, const struct load_words *w,
			    struct provider **out, struct failure *f)
{
	struct provider *p = NULL;
	struct view *v = NULL;
	int ret = -1;

	*out = NULL;
	if (!mode)
		mode = "";
	/* Checked before it becomes part of a path. */
	if (!wire_name_ok(name))
		return fail_set(f, FAIL_USAGE, "names are letters, digits and . _ -",
				"not a provider's name");
	p = provider_alloc();
	v = calloc(1, sizeof(*v));
	if (!p || !v) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "provider %s: no memory", name);
		goto out;
	}
	if (layers_load(v, name, mode, &w->files, f) != 0)
		goto out;
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->mode, sizeof(p->mode), "%s", mode);
	if (provider_resolve(p, v, w, f) != 0)
		goto out;
	*out = p;
	p = NULL;
	ret = 0;
out:
	if (v)
		layers_free(v);
	free(v);
	provider_free(p);
	return ret;
}

int provider_load(const char *name, const char *mode, struct provider **out, struct failure *f)
{
	const struct load_words w = { .n = 0 };

	return provider_load_as(name, mode, &w, out, f);
}

int provider_load_answered(const char *name, const char *mode, const struct provider_answers *a,
			   struct provider **out, struct failure *f)
{
	const struct load_words w = { .answers = *a };

	return provider_load_as(name, mode, &w, out, f);
}

int provider_load_trying(const char *name, const char *mode, const char *key, const char *value,
			 struct provider **out, struct failure *f)
{
	const struct provider_value one = { key, value };
	const struct load_words w = { .value = &one, .n = 1 };

	return provider_load_as(name, mode, &w, out, f);
}

int provider_load_shipped(const char *name, const char *mode, const struct provider_value *value,
			  unsigned n, struct provider **out, struct failure *f)
{
	const struct load_words w = { .files.only_shipped = true, .value = value, .n = n };

	return provider_load_as(name, mode, &w, out, f);
}

int provider_load_draft(const char *name, const char *mode, const char *path, const char *text,
			size_t len, struct provider **out, struct failure *f)
{
	const struct load_words w = {
		.files = { .draft_of = name, .path = path, .text = text, .len = len },
	};

	return provider_load_as(name, mode, &w, out, f);
}

void provider_free(struct provider *p)
{
	if (p)
		munmap(p, sizeof(*p));
}

const char *provider_called(const struct provider *p)
{
	return p->title[0] && !p->title_by[0] ? p->title : p->name;
}

const struct provider_param *provider_missing(const struct provider *p)
{
	unsigned i;

	for (i = 0; i < p->params; i++)
		if (!p->param[i].value[0])
			return &p->param[i];
	return NULL;
}
