/*
 * config/client/takeover.c - a person's settings: taken over or named.
 */
#include "config/client/takeover.h"

#include <ctype.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/client/settings_files.h"
#include "config/client/settings_variables.h"
#include "config/provider/auth.h"
#include "config/provider/env_list.h"
#include "config/provider/environment.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"

/* What is said of a setting, and of what. */
struct taking {
	struct provider *p;
	bool keyless; /* the client has no key: nothing of its own can give one away */
	bool relayed;
	bool tls; /* the provider's endpoint speaks it */
	struct takeover *out;
	const struct settings_document *at;
};

/* ---- lines ---- */

static struct setting *setting_add(struct taking *t, enum setting_fate fate, const char *name,
				   bool env)
{
	static struct setting beyond;
	struct setting *s = t->out->n < TAKEOVER_MAX ? &t->out->setting[t->out->n++] : &beyond;

	s->fate = fate;
	snprintf(s->name, sizeof(s->name), "%s", name);
	fail_sanitize(s->name);
	s->env = env;
	s->routine = false;
	s->path = t->at ? t->at->path : "";
	s->why[0] = '\0';
	return s;
}

__attribute__((format(printf, 4, 5))) static void setting_ignore(struct taking *t, const char *name,
								 bool env, const char *fmt, ...)
{
	struct setting *s = setting_add(t, SETTING_IGNORED, name, env);
	va_list a;

	va_start(a, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, a);
	va_end(a);
	fail_sanitize(s->why);
	s->routine = !env || settings_variable_kind(name) == SETTING_ROUTE;
}

/* The person's own file cannot be read, by the client neither. */
static void setting_ignore_file(struct taking *t, const struct settings_files *files)
{
	setting_ignore(t, "settings.json", false, "it cannot be read: mend it");
	t->out->setting[t->out->n - 1].routine = false;
	t->out->setting[t->out->n - 1].path = files->unread.what;
}

static void setting_take(struct taking *t, const char *name, const char *value)
{
	char where[PATH_SIZE + VARIABLE_MAX_LEN + 8];

	snprintf(where, sizeof(where), "%s: env.%s", t->at->path, name);
	if (env_list_put(t->p, name, value, "settings", where) != 0)
		setting_ignore(t, name, true, "there are more than %d variables in all",
			       PROVIDER_ENV_MAX);
	else
		setting_add(t, SETTING_TAKEN, name, true);
}

/* ---- values ---- */

/* What says it already: a provider's file, a project's; or NULL. */
static const struct provider_env *provider_variable(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return &p->env[i];
	return NULL;
}

static bool provider_has_secret(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->secrets; i++)
		if (strcmp(p->secret[i].variable, name) == 0)
			return true;
	return false;
}

/* What a provider's file would be allowed to say: it is shown, and stands in an environment. */
static bool value_is_plain(const char *value, bool blanks)
{
	const char *c;

	for (c = value; *c; c++)
		if (*c < (blanks ? ' ' : '!') || *c > '~')
			return false;
	return c - value <= PROVIDER_VALUE_MAX && !auth_looks_like_key(value);
}

/* ---- models ---- */

/* The variable beside which this one says something of the same model, or "". */
static void model_beside(const char *name, char base[VARIABLE_MAX_LEN + 1])
{
	static const char *const ends[] = { "_NAME", "_DESCRIPTION", "_SUPPORTED_CAPABILITIES",
					    "_FORCE" };
	size_t i, n = strlen(name), end;

	base[0] = '\0';
	if (strcmp(name, "ANTHROPIC_SMALL_FAST_MODEL") == 0)
		strcpy(base, "ANTHROPIC_DEFAULT_HAIKU_MODEL"); /* its newer name */
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		end = strlen(ends[i]);
		if (n > end && n <= VARIABLE_MAX_LEN && strcmp(name + n - end, ends[i]) == 0)
			snprintf(base, VARIABLE_MAX_LEN + 1, "%.*s", (int)(n - end), name);
	}
}

/* Do the provider's files name models, and none of them is one of Anthropic's? */
static bool provider_has_other_models(const struct provider *p)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < p->envs; i++) {
		if (strcmp(p->env[i].from, "models") != 0 || !strstr(p->env[i].name, "MODEL"))
			continue;
		if (strstr(p->env[i].value, "claude"))
			return false;
		any = true;
	}
	return any;
}

/* A name of the vendor's own, with a cloud's prefix or none; not an alias ("opus"). */
static bool model_is_anthropics(const char *value)
{
	return strncmp(value, "claude-", 7) == 0 || strstr(value, "anthropic.claude");
}

static void take_model(struct taking *t, const char *name, const char *value)
{
	char base[VARIABLE_MAX_LEN + 1];
	const struct provider_env *said = provider_variable(t->p, name);
	bool text;

	model_beside(name, base);
	text = strstr(name, "_NAME") || strstr(name, "_DESCRIPTION");
	if (!said && base[0])
		said = provider_variable(t->p, base);
	if (said && strcmp(said->name, name) == 0 && strcmp(said->value, value) == 0)
		return;
	if (said && strcmp(said->from, "settings") != 0)
		setting_ignore(t, name, true,
			       "%s has %.80s=%.80s, which comes first (ccctl edit %s)",
			       said->where[0] ? said->where : "the project's file", said->name,
			       said->value, t->p->name);
	else if (!value_is_plain(value, text) || strstr(value, ".."))
		setting_ignore(t, name, true, "its value is no model's name");
	else if (model_is_anthropics(value) && provider_has_other_models(t->p))
		setting_ignore(
			t, name, true,
			"it names a model of Anthropic's, and the provider's file has others "
			"(ccctl edit %s)",
			t->p->name);
	else
		setting_take(t, name, value);
}

/* ---- headers ---- */

/* A name of which a value is a credential, or a server's address. */
static bool header_is_secret(const char *name, size_t n)
{
	static const char *const words[] = { "auth",	   "key",	"token",
					     "secret",	   "cookie",	"password",
					     "credential", "signature", "session" };
	char lower[64];
	size_t i;

	if (n >= sizeof(lower))
		return true;
	for (i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[n] = '\0';
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(lower, words[i]))
			return true;
	return false;
}

/* Lines "Name: value", and none of them is a secret by its name or its look. */
static bool headers_are_plain(const char *text)
{
	const char *line, *colon, *value;
	char copy[PROVIDER_VALUE_MAX + 1];
	size_t n;

	for (line = text; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		colon = memchr(line, ':', n);
		if (!colon || colon == line || n > PROVIDER_VALUE_MAX ||
		    header_is_secret(line, (size_t)(colon - line)))
			return false;
		value = colon + 1 + strspn(colon + 1, " ");
		snprintf(copy, sizeof(copy), "%.*s", (int)(line + n - value), value);
		if (!value_is_plain(copy, true))
			return false;
	}
	return strlen(text) <= PROVIDER_VALUE_MAX;
}

/*
 * A gateway's header can name another host for the key to go to, and nobody has a full list of
 * them: so where there is a key, only the administrator's.
 */
static void take_headers(struct taking *t, const char *name, const char *value)
{
	if (provider_has_secret(t->p, name))
		setting_ignore(t, name, true, "the provider's file takes it from the vault");
	else if (t->relayed)
		setting_ignore(t, name, true,
			       "a header could send the key elsewhere: write NAME = VALUE in "
			       "[headers], or header:NAME = ENTRY in [secrets] for a secret "
			       "(ccctl edit %s)",
			       t->p->name);
	else if (!headers_are_plain(value))
		setting_ignore(t, name, true,
			       "it may hold a secret: store it in the vault, with %s = ENTRY in "
			       "[secrets] (ccctl edit %s)",
			       name, t->p->name);
	else if (!t->keyless && t->at->layer != SETTINGS_MANAGED)
		setting_ignore(t, name, true,
			       "a header could send the key elsewhere: write NAME = VALUE in "
			       "[headers], or %s = ENTRY in [secrets] for a secret (ccctl edit %s)",
			       name, t->p->name);
	else
		setting_take(t, name, value);
}

/* ---- the network ---- */

static void take_proxy(struct taking *t, const char *name, const char *value)
{
	if (!value_is_plain(value, false) && *value)
		setting_ignore(t, name, true, "its value is no proxy's address");
	else if (!t->keyless && !t->tls)
		setting_ignore(t, name, true,
			       "requests go without TLS, so a proxy would read the "
			       "key");
	else
		setting_take(t, name, value);
}

static void take_authorities(struct taking *t, const char *name, const char *value)
{
	if (!value_is_plain(value, true) || value[0] != '/')
		setting_ignore(t, name, true, "it is not an absolute path");
	/* A relay's are sealed with the key by their contents, so this launch has them agreed. */
	else if (t->at->layer == SETTINGS_MANAGED || (t->relayed && t->tls))
		setting_take(t, name, value);
	else
		setting_ignore(t, name, true,
			       "whoever writes that file could read what is sent: %s",
			       t->keyless ? "set it in your shell's environment"
					  : "delivery = relay seals what it says");
}

/* ---- all of them ---- */

static void take_variable(struct taking *t, const char *name, const char *value)
{
	const struct provider_env *said = provider_variable(t->p, name);

	switch (settings_variable_kind(name)) {
	case SETTING_HEEDED:
		if (said && strcmp(said->value, value) != 0)
			setting_add(t, SETTING_BEFORE, name, true);
		break;
	case SETTING_MODEL:
		take_model(t, name, value);
		break;
	case SETTING_HEADERS:
		take_headers(t, name, value);
		break;
	case SETTING_PROXY:
		take_proxy(t, name, value);
		break;
	case SETTING_AUTHORITIES:
		take_authorities(t, name, value);
		break;
	case SETTING_ROUTE:
		setting_ignore(t, name, true,
			       variable_is_secret(name)
				       ? "the vault's key is used (ccctl import takes such keys "
					 "into the vault)"
				       : "the provider's file says where requests go, and as whom");
		break;
	case SETTING_DROPPED:
		setting_ignore(t, name, true,
			       "claude heeds no settings for it in a session of ccrun: set it in "
			       "your shell's environment");
		break;
	}
}

static void take_document_env(struct taking *t, const struct settings_files *files)
{
	json_t *env = json_object_get(t->at->root, "env"), *value;
	const char *name;

	json_object_foreach(env, name, value)
	{
		if (!json_is_string(value) || strlen(name) > VARIABLE_MAX_LEN ||
		    settings_files_find(files, true, name) != t->at)
			continue;
		take_variable(t, name, json_string_value(value));
	}
}

/* The administrator's `model`, which the client drops, as the variable that says the same. */
static void take_model_key(struct taking *t)
{
	const char *value = json_string_value(json_object_get(t->at->root, "model"));
	char where[PATH_SIZE + 16];

	snprintf(where, sizeof(where), "%s: model", t->at->path);
	if (!value || !value_is_plain(value, false) || strstr(value, "..") ||
	    (model_is_anthropics(value) && provider_has_other_models(t->p)) ||
	    env_list_put(t->p, "ANTHROPIC_MODEL", value, "settings", where) != 0)
		setting_ignore(t, "model", false, "the provider has no such model");
	else
		setting_add(t, SETTING_TAKEN, "model", false);
}

static void take_keys(struct taking *t, const struct settings_files *files)
{
	static const char *const helpers[] = { "apiKeyHelper", "awsAuthRefresh",
					       "awsCredentialExport", "gcpAuthRefresh" };
	const struct provider_env *said = provider_variable(t->p, "ANTHROPIC_MODEL");
	size_t i;

	for (i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (settings_files_find(files, false, helpers[i]) == t->at)
			setting_ignore(t, helpers[i], false, "the vault's key is used");
	if (settings_files_find(files, false, "model") != t->at)
		return;
	/* The client heeds it, but for the administrator's. */
	if (said)
		setting_ignore(t, "model", false, "ANTHROPIC_MODEL=%.100s comes first",
			       said->value);
	else if (t->at->layer == SETTINGS_MANAGED)
		take_model_key(t);
	else
		setting_add(t, SETTING_BEFORE, "model", false);
}

/* The client is not told that its provider is managed: it goes by what says where, and as whom. */
static void name_routes(struct taking *t, const struct settings_files *files)
{
	const struct provider_env *said;
	const char *name, *text;
	json_t *value;

	json_object_foreach(json_object_get(t->at->root, "env"), name, value)
	{
		text = json_string_value(value);
		if (!text || !text[0] || settings_variable_kind(name) != SETTING_ROUTE ||
		    settings_files_find(files, true, name) != t->at)
			continue;
		said = provider_variable(t->p, name);
		if (!said || strcmp(said->value, text) != 0)
			setting_add(t, SETTING_BEFORE, name, true)->routine = true;
	}
	if (settings_files_find(files, false, "apiKeyHelper") == t->at)
		setting_add(t, SETTING_BEFORE, "apiKeyHelper", false)->routine = true;
}

static void name_all_routes(struct taking *t, const struct settings_files *files)
{
	unsigned i;

	for (i = 0; i < files->n; i++) {
		t->at = &files->document[i];
		name_routes(t, files);
	}
}

void takeover(struct provider *p, const struct settings_files *files, bool relayed,
	      struct takeover *out)
{
	struct taking t = { .p = p,
			    .relayed = relayed,
			    .keyless = relayed || p->secrets == 0,
			    .tls = strstr(p->origin, " https://") != NULL,
			    .out = out };
	unsigned i;

	const struct provider_env *model;

	out->n = 0;
	if (!environment_is_managed(p)) {
		name_all_routes(&t, files);
		return;
	}
	if (files->unread.code)
		setting_ignore_file(&t, files);
	for (i = 0; i < files->n; i++) {
		t.at = &files->document[i];
		take_document_env(&t, files);
	}
	for (i = 0; i < files->n; i++) {
		t.at = &files->document[i];
		take_keys(&t, files);
	}
	model = provider_variable(p, "ANTHROPIC_MODEL");
	if (model && strlen(model->value) < sizeof(p->model))
		memcpy(p->model, model->value, strlen(model->value) + 1);
}

void setting_where(const struct setting *s, char out[TAKEOVER_WHERE])
{
	snprintf(out, TAKEOVER_WHERE, "%s: %s%s", s->path, s->env ? "env." : "", s->name);
	fail_sanitize(out);
}
