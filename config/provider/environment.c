/*
 * config/provider/environment.c - from the user's environment and a provider to what
 * Claude Code gets.  It reads nothing but its arguments.
 */
#include "config/provider/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "wire/endpoint.h"
#include "config/provider/auth.h"
#include "config/provider/own_variables.h"
#include "config/provider/variables.h"
#include "config/provider/provider.h"

static const char *const managed = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST";

/* Longer names are cut: they are longer than any in variables.c, and can only match a
 * pattern there. */
#define ENTRY_NAME 256

/* The name of an environ entry, cut to fit out; *n is its whole length.  False when the
 * entry has none. */
static bool env_entry_name(const char *entry, char out[ENTRY_NAME], size_t *n)
{
	const char *eq = strchr(entry, '=');
	size_t kept;

	if (!eq || eq == entry)
		return false;
	*n = (size_t)(eq - entry);
	kept = *n < ENTRY_NAME ? *n : ENTRY_NAME - 1;
	memcpy(out, entry, kept);
	out[kept] = '\0';
	return true;
}

static const char *env_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/*
 * Does Claude Code find the credentials by itself?  It does not use the subscription's
 * login and the AWS chain when it is told that the host manages the provider
 * (measured with Claude Code 2.1.330; gcloud's credentials it does use).
 */
static bool provider_uses_own_login(const struct provider *p)
{
	if (p->secrets || p->placeholder[0])
		return false;
	return auth_is_aws(p->auth) || (p->auth == AUTH_NONE && !p->base_url[0]);
}

static bool provider_has_secret(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->secrets; i++)
		if (strcmp(p->secret[i].variable, name) == 0)
			return true;
	return false;
}

static bool provider_sets(const struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return true;
	if (strcmp(name, managed) == 0)
		return !provider_uses_own_login(p);
	return strcmp(name, "CCRUN_PROVIDER") == 0 ||
	       (strcmp(name, "CCRUN_MODE") == 0 && p->mode[0]);
}

/*
 * With a credential for AWS from the vault, the user's own AWS variables must not win.
 * Programs that Claude Code starts get them back, so that `aws` works there for the same
 * account as outside; but not next to a key pair from the vault, because half of each
 * pair would be mixed.
 */
static enum env_action env_action_aws(const struct provider *p, const char *name)
{
	if (!auth_is_aws(p->auth) || p->secrets == 0 || !variable_is_aws_credential(name))
		return ENV_KEEP;
	if (provider_has_secret(p, "AWS_SECRET_ACCESS_KEY") &&
	    (strcmp(name, "AWS_ACCESS_KEY_ID") == 0 || strcmp(name, "AWS_SESSION_TOKEN") == 0 ||
	     strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0))
		return ENV_UNSET;
	return ENV_SAVE;
}

static enum env_action env_action_of(const struct provider *p, const char *name, const char *value)
{
	if (provider_has_secret(p, name))
		return ENV_UNSET;
	if (provider_sets(p, name))
		return ENV_KEEP; /* the ENV_SET for it replaces the value */
	if (variable_steers_runtime(name) && control_active(CONTROL_RUNTIME_VARIABLES))
		return ENV_SAVE;
	if (variable_routes_client(name) && !own_variable_passes(p, name, value) &&
	    control_active(CONTROL_ROUTING_VARIABLES))
		return ENV_UNSET;
	return env_action_aws(p, name);
}

/* Does a NO_PROXY list contain the host, or "*"? */
static bool no_proxy_covers(const char *list, const char *host)
{
	size_t n, h = strlen(host);

	for (; *list; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if ((n == 1 && *list == '*') || (n == h && strncasecmp(list, host, h) == 0))
			return true;
	}
	return false;
}

static bool env_has_proxy(char *const *env)
{
	char name[ENTRY_NAME];
	size_t n;

	for (; *env; env++)
		if (env_entry_name(*env, name, &n) && variable_is_proxy(name) && (*env)[n + 1])
			return true;
	return false;
}

/*
 * Keep requests to an endpoint on this machine off the user's proxy.  Both spellings are
 * set, because programs differ in which one they read.  text receives the values.
 * Returns the number of changes.
 */
static size_t plan_no_proxy(const struct provider *p, char *const *env, struct env_change *c,
			    char *text)
{
	static const char *const names[] = { "NO_PROXY", "no_proxy" };
	struct endpoint e;
	const char *value;
	size_t i, n = 0;

	if (!p->local || !env_has_proxy(env) || endpoint_parse(p->base_url, &e))
		return 0;
	for (i = 0; i < 2; i++) {
		value = env_get(env, names[i]);
		if (!value)
			value = env_get(env, names[1 - i]);
		if (!value)
			value = "";
		if (env_get(env, names[i]) && no_proxy_covers(value, e.host))
			continue;
		c[n].action = ENV_SET;
		c[n].name = names[i];
		c[n].name_len = strlen(names[i]);
		c[n].value = text;
		n++;
		if (no_proxy_covers(value, e.host))
			text += sprintf(text, "%s", value) + 1;
		else
			text += sprintf(text, "%s%s%s", value, value[0] ? "," : "", e.host) + 1;
	}
	return n;
}

static size_t no_proxy_room(char *const *env)
{
	const char *a = env_get(env, "NO_PROXY"), *b = env_get(env, "no_proxy");
	size_t la = a ? strlen(a) : 0, lb = b ? strlen(b) : 0;

	/* Each may become either value, with a comma, a host and a NUL. */
	return 2 * ((la > lb ? la : lb) + sizeof(((struct endpoint *)0)->host) + 2);
}

static void change_set(struct env_change *c, const char *name, const char *value)
{
	c->action = ENV_SET;
	c->name = name;
	c->name_len = strlen(name);
	c->value = value;
}

static size_t plan_drops(const struct provider *p, char *const *env, struct env_change *c)
{
	char name[ENTRY_NAME];
	size_t len, n = 0;

	for (; *env; env++) {
		if (!env_entry_name(*env, name, &len))
			continue;
		c[n].action = env_action_of(p, name, *env + len + 1);
		if (c[n].action == ENV_KEEP)
			continue;
		c[n].name = *env;
		c[n].name_len = len;
		c[n].value = c[n].action == ENV_SAVE ? *env + len + 1 : NULL;
		n++;
	}
	return n;
}

int environment_plan(const struct provider *p, char *const *environ_in, struct env_change **out)
{
	size_t count = 0, n, i, room;
	struct env_change *c;

	while (environ_in[count])
		count++;
	room = count + p->envs + 2 + 3;
	c = calloc(1, room * sizeof(*c) + no_proxy_room(environ_in));
	*out = c;
	if (!c)
		return -1;
	n = plan_drops(p, environ_in, c);
	for (i = 0; i < p->envs; i++)
		change_set(&c[n++], p->env[i].name, p->env[i].value);
	n += plan_no_proxy(p, environ_in, c + n, (char *)(c + room));
	if (!provider_uses_own_login(p) && control_active(CONTROL_MANAGED))
		change_set(&c[n++], managed, "1");
	change_set(&c[n++], "CCRUN_PROVIDER", p->name);
	if (p->mode[0])
		change_set(&c[n++], "CCRUN_MODE", p->mode);
	return (int)n;
}
