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
 * Claude Code does not use the subscription's login and the AWS chain when it is told that
 * the host manages the provider (measured with Claude Code 2.1.330; gcloud's credentials it
 * does use).
 */
bool environment_is_managed(const struct provider *p)
{
	if (p->secrets || p->placeholder[0])
		return true;
	return !auth_is_aws(p->auth) && (p->auth != AUTH_NONE || p->base_url[0]);
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
		return environment_is_managed(p);
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

/*
 * Who has the key of an authority that they name, and is between, reads what Claude Code sends.
 * They are in files that a session can write, and no seal has what they say.
 */
static bool variable_adds_authorities(const char *name)
{
	static const char *const names[] = { "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR",
					     "AWS_CA_BUNDLE" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

const char *environment_authorities(const struct provider *p, char *const *environ_in)
{
	static char name[ENTRY_NAME];
	size_t n;

	for (; *environ_in; environ_in++)
		if (env_entry_name(*environ_in, name, &n) && (*environ_in)[n + 1] &&
		    variable_adds_authorities(name) && !provider_sets(p, name))
			return name;
	return NULL;
}

static enum env_action env_action_of(const struct provider *p, bool key_inside,
				     const struct own_manager_variables *own, const char *name,
				     const char *value)
{
	if (provider_has_secret(p, name))
		return ENV_UNSET;
	if (provider_sets(p, name))
		return ENV_KEEP; /* the ENV_SET for it replaces the value */
	/* An empty one is no default: the client keeps its files where it is started. */
	if (!value[0] && strcmp(name, "CLAUDE_CONFIG_DIR") == 0)
		return ENV_UNSET;
	if (variable_steers_runtime(name) && control_active(CONTROL_RUNTIME_VARIABLES))
		return ENV_SAVE;
	if (variable_routes_client(name) && !own_variable_passes(p, name, value) &&
	    control_active(CONTROL_ROUTING_VARIABLES))
		return ENV_UNSET;
	/* Where this session has no key, other entries' keys are in the manager all the same. */
	if (variable_opens_manager(name, own) && control_active(CONTROL_MANAGER_VARIABLES))
		return ENV_UNSET;
	if (key_inside && variable_adds_authorities(name))
		return ENV_SAVE;
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

/* What the client will have under the name: from the provider, else from env; or NULL. */
static const char *client_get(const struct provider *p, char *const *env, const char *name)
{
	unsigned i;

	for (i = 0; i < p->envs; i++)
		if (strcmp(p->env[i].name, name) == 0)
			return p->env[i].value;
	return env_get(env, name);
}

static bool client_has_proxy(const struct provider *p, char *const *env)
{
	char name[ENTRY_NAME];
	unsigned i;
	size_t n;

	for (i = 0; i < p->envs; i++)
		if (variable_is_proxy(p->env[i].name) && p->env[i].value[0])
			return true;
	for (; *env; env++)
		if (env_entry_name(*env, name, &n) && variable_is_proxy(name) && (*env)[n + 1])
			return true;
	return false;
}

/* Set it; where one of the n changes sets it already, in place of that. */
static size_t change_set(struct env_change *c, size_t n, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (c[i].action == ENV_SET && strcmp(c[i].name, name) == 0)
			break;
	c[i].action = ENV_SET;
	c[i].name = name;
	c[i].name_len = strlen(name);
	c[i].value = value;
	return i < n ? n : n + 1;
}

/*
 * Keep requests to an endpoint on this machine off the user's proxy.  Both spellings are
 * set, because programs differ in which one they read.  text receives the values.
 * Returns the number of changes, which is n before.
 */
static size_t plan_no_proxy(const struct provider *p, char *const *env, struct env_change *c,
			    size_t n, char *text)
{
	static const char *const names[] = { "NO_PROXY", "no_proxy" };
	struct endpoint e;
	const char *value;
	size_t i;

	if (!p->local || !client_has_proxy(p, env) || endpoint_parse(p->base_url, &e))
		return n;
	for (i = 0; i < 2; i++) {
		value = client_get(p, env, names[i]);
		if (value && no_proxy_covers(value, e.host))
			continue;
		if (!value)
			value = client_get(p, env, names[1 - i]);
		if (!value)
			value = "";
		n = change_set(c, n, names[i], text);
		if (no_proxy_covers(value, e.host))
			text += sprintf(text, "%s", value) + 1;
		else
			text += sprintf(text, "%s%s%s", value, value[0] ? "," : "", e.host) + 1;
	}
	return n;
}

static size_t no_proxy_room(const struct provider *p, char *const *env)
{
	const char *a = client_get(p, env, "NO_PROXY"), *b = client_get(p, env, "no_proxy");
	size_t la = a ? strlen(a) : 0, lb = b ? strlen(b) : 0;

	/* Each may become either value, with a comma, a host and a NUL. */
	return 2 * ((la > lb ? la : lb) + sizeof(((struct endpoint *)0)->host) + 2);
}

static size_t plan_drops(const struct provider *p, bool key_inside,
			 const struct own_manager_variables *own, char *const *env,
			 struct env_change *c)
{
	char name[ENTRY_NAME];
	size_t len, n = 0;

	for (; *env; env++) {
		if (!env_entry_name(*env, name, &len))
			continue;
		c[n].action = env_action_of(p, key_inside, own, name, *env + len + 1);
		if (c[n].action == ENV_KEEP)
			continue;
		c[n].name = *env;
		c[n].name_len = len;
		c[n].value = c[n].action == ENV_SAVE ? *env + len + 1 : NULL;
		n++;
	}
	return n;
}

int environment_plan(const struct provider *p, bool key_inside,
		     const struct own_manager_variables *own, char *const *environ_in,
		     struct env_change **out)
{
	size_t count = 0, n, i, room;
	struct env_change *c;

	while (environ_in[count])
		count++;
	room = count + p->envs + 2 + 3;
	c = calloc(1, room * sizeof(*c) + no_proxy_room(p, environ_in));
	*out = c;
	if (!c)
		return -1;
	n = plan_drops(p, key_inside, own, environ_in, c);
	for (i = 0; i < p->envs; i++)
		n = change_set(c, n, p->env[i].name, p->env[i].value);
	n = plan_no_proxy(p, environ_in, c, n, (char *)(c + room));
	if (environment_is_managed(p) && control_active(CONTROL_MANAGED))
		n = change_set(c, n, managed, "1");
	n = change_set(c, n, "CCRUN_PROVIDER", p->name);
	if (p->mode[0])
		n = change_set(c, n, "CCRUN_MODE", p->mode);
	return (int)n;
}
