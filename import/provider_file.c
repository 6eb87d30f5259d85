/*
 * import/provider_file.c - adding to a provider's file what it lacks: an address,
 * models, variables, modes.
 */
#include "import/provider_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "config/ini/ini_file.h"
#include "config/ini/ini_value.h"
#include "config/ini/user_file.h"
#include "config/provider/auth.h"
#include "config/provider/resolve_models.h"
#include "import/match_provider.h"
#include "wire/endpoint.h"

/* The file that is to be written. */
struct provider_draft {
	char path[PATH_SIZE];
	char *old; /* what is in it now, or NULL */
	size_t old_n;
	struct ini_file *ini; /* old, parsed */
	char *text;
	size_t n, room;
	char section[INI_SECTION_MAX + 1]; /* the last one begun */
	bool any;			   /* something was added */
	bool full;			   /* something had no room */
	mode_t mode;
	int turn; /* the lock of the files of providers, or -1 */
};

static void draft_append(struct provider_draft *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void draft_append(struct provider_draft *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(c->text + c->n, c->room - c->n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < c->room - c->n)
		c->n += (size_t)n;
	else
		c->full = true;
}

static void draft_add_line(struct provider_draft *c, const char *section, const char *key,
			   const char *value)
{
	const char *last = c->text + c->n;
	char line[SETTING_VALUE_MAX + 3];

	/* A value that no line can have is left where it is. */
	if (ini_value_format(value, line, sizeof(line)) != 0)
		return;
	if (strlen(section) > INI_SECTION_MAX || (c->ini && ini_file_get(c->ini, section, key)))
		return;
	if (strcmp(c->section, section) != 0) {
		/* A section may come again: inih takes it for the same one. */
		draft_append(c, "%s%s[%s]\n", c->n && last[-1] != '\n' ? "\n" : "",
			     c->n ? "\n" : "", section);
		snprintf(c->section, sizeof(c->section), "%s", section);
	}
	draft_append(c, "%s = %s\n", key, line);
	c->any = true;
}

static const char *provider_value_of(const struct provider *p, const char *variable)
{
	unsigned i;

	for (i = 0; p && i < p->envs; i++)
		if (strcmp(p->env[i].name, variable) == 0)
			return p->env[i].value;
	return "";
}

static bool settings_have(const struct provider_settings *l, const char *variable)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->set[i].name, variable) == 0)
			return true;
	return false;
}

/* Models, then [env], in the mode's sections ("" the provider's own). */
static void draft_add_settings(struct provider_draft *c, const struct provider_settings *l,
			       const char *mode, const struct provider *p)
{
	char section[160];
	const char *key;
	unsigned i;
	int env;

	for (env = 0; env < 2; env++)
		for (i = 0; i < l->n; i++) {
			key = models_key_of(l->set[i].name);
			if ((key == NULL) != env ||
			    strcmp(provider_value_of(p, l->set[i].name), l->set[i].value) == 0)
				continue;
			if (key && strchr(l->set[i].value, ' '))
				continue;
			if (mode[0])
				snprintf(section, sizeof(section), "mode %s %s", mode,
					 env ? "env" : "models");
			else
				snprintf(section, sizeof(section), "%s", env ? "env" : "models");
			/* Two variables for one key: the newer name wins. */
			if (strcmp(l->set[i].name, "ANTHROPIC_SMALL_FAST_MODEL") == 0 &&
			    settings_have(l, "ANTHROPIC_DEFAULT_HAIKU_MODEL"))
				continue;
			draft_add_line(c, section, key ? key : l->set[i].name, l->set[i].value);
		}
}

static void draft_add_mode(const struct import *im, struct provider_draft *c, const struct mode *m)
{
	char section[NAME_MAX_LEN + 16];
	const struct account *a = m->account < im->accounts ? &im->account[m->account] : NULL;
	struct endpoint e;

	snprintf(section, sizeof(section), "mode %s", m->name);
	if (a && a->provider[0]) {
		draft_add_line(c, section, "use", a->provider);
	} else if (m->base_url[0] && endpoint_parse(m->base_url, &e) == NULL) {
		/* The preset below may have a "use": an empty one undoes it. */
		draft_add_line(c, section, "use", "");
		draft_add_line(c, section, "base_url", m->base_url);
		draft_add_line(c, section, "auth", m->placeholder[0] ? "bearer" : "none");
		if (m->placeholder[0])
			draft_add_line(c, section, "placeholder", m->placeholder);
	}
	draft_add_settings(c, &m->list, m->name, NULL);
}

static void draft_compose(const struct import *im, const struct account *a,
			  struct provider_draft *c, const struct provider *p)
{
	unsigned i;

	if (a->parent[0]) {
		draft_add_line(c, "provider", "use", a->parent);
		draft_add_line(c, "provider", "secret", a->entry);
	} else if (a->fresh) {
		draft_add_line(c, "provider", "title", a->provider);
		if (a->base_url[0])
			draft_add_line(c, "provider", "base_url", a->base_url);
		draft_add_line(c, "provider", "auth",
			       auth_name(match_find_known(im, a->provider)->auth));
		draft_add_line(c, "provider", "docs",
			       "written by ccctl import, from your own files");
	}
	draft_add_settings(c, &a->list, "", p);
	for (i = 0; i < a->modes; i++)
		draft_add_mode(im, c, &a->mode[i]);
}

/* What is in the file now; nobody else changes it until the draft ends. */
static int draft_begin(struct provider_draft *c, const char *name, struct failure *f)
{
	char leaf[NAME_MAX_LEN + 16];
	bool there;

	snprintf(leaf, sizeof(leaf), "providers/%s.conf", name);
	c->turn = user_file_begin(leaf, c->path, &c->mode, &there, f);
	if (c->turn < 0)
		return -1;
	if (there && (io_slurp(c->path, INI_FILE_MAX, &c->old, &c->old_n, f) != 0 ||
		      ini_file_parse(c->path, c->old, c->old_n, &c->ini, f) != 0))
		return -1;
	c->room = c->old_n + (size_t)128 * 1024;
	c->text = calloc(1, c->room);
	if (!c->text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (c->old)
		memcpy(c->text, c->old, c->old_n);
	c->n = c->old_n;
	return 0;
}

static void draft_end(struct provider_draft *c)
{
	ini_file_free(c->ini);
	free(c->old);
	free(c->text);
	if (c->turn >= 0)
		close(c->turn);
}

static int draft_load(const struct provider_draft *c, const struct account *a, const char *mode,
		      struct failure *f)
{
	struct provider *p;

	if (provider_load_draft(a->provider, mode, c->path, c->text, c->n, &p, f) != 0)
		return -1;
	provider_free(p);
	return 0;
}

/* Check the new file: would the provider load, with all of its modes? */
static int draft_check(const struct import *im, const struct account *a,
		       const struct provider_draft *c, struct failure *f)
{
	unsigned i;
	int r;

	if (c->full || c->n > INI_FILE_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "%s would have more than %d bytes",
				c->path, INI_FILE_MAX);
	r = draft_load(c, a, a->provider_mode, f);
	for (i = 0; i < a->modes && r == 0; i++) {
		/* This mode uses a provider whose file is not written yet. */
		if (a->mode[i].account < im->accounts && im->account[a->mode[i].account].fresh)
			continue;
		r = draft_load(c, a, a->mode[i].name, f);
	}
	return r;
}

static void note_written_provider(struct import *im, const char *name)
{
	if (im->writtens < ACCOUNTS_MAX)
		memcpy(im->written[im->writtens++], name, strlen(name) + 1);
}

int provider_file_write(struct import *im, struct account *a, struct failure *f)
{
	struct provider_draft c = { .turn = -1 };
	struct provider *p = NULL;
	int r = draft_begin(&c, a->provider, f);

	if (r == 0) {
		if (!a->fresh)
			provider_load(a->parent[0] ? a->parent : a->provider, a->provider_mode, &p,
				      NULL);
		if (!c.old)
			draft_append(&c, "; Written by ccctl import.\n");
		draft_compose(im, a, &c, p);
		provider_free(p);
	}
	if (r == 0 && c.any) {
		r = draft_check(im, a, &c, f);
		if (r == 0)
			r = io_replace_file(c.path, c.mode, c.text, c.n, f);
		if (r == 0) {
			note_written_provider(im, a->provider);
			a->made_file = !c.old;
		}
	}
	draft_end(&c);
	return r;
}

void provider_file_take_back(struct import *im, struct account *a)
{
	char leaf[NAME_MAX_LEN + 16], path[PATH_SIZE];

	snprintf(leaf, sizeof(leaf), "providers/%s.conf", a->provider);
	if (!a->made_file || path_of(PATH_CONFIG, leaf, path, NULL) != 0 || unlink(path) != 0)
		return;
	a->made_file = false;
	if (im->writtens > 0 && strcmp(im->written[im->writtens - 1], a->provider) == 0)
		im->writtens--;
}
