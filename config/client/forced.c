/*
 * config/client/forced.c - what managed settings force.
 */
#include "config/client/forced.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/client/settings_files.h"
#include "config/provider/auth.h"
#include "config/provider/environment.h"
#include "config/provider/provider.h"

/* The administrator's document that says so, or NULL. */
static const struct settings_document *managed_find(const struct settings_files *s, bool env,
						    const char *name)
{
	const struct settings_document *d = settings_files_find(s, env, name);

	return d && d->layer == SETTINGS_MANAGED ? d : NULL;
}

static int forced_fail(const struct provider *p, const struct settings_document *d, bool env,
		       const char *name, struct failure *f)
{
	return fail_set(f, FAIL_POLICY,
			"ask whoever administers this machine; claude without ccrun goes by them",
			"managed settings at %s force %s%s: provider %s cannot be used", d->path,
			env ? "env." : "", name, p->name);
}

/* ---- logins ---- */

static int forced_login(const struct provider *p, const struct settings_files *s, struct failure *f)
{
	static const char *const keys[] = { "forceLoginOrgUUID", "forceLoginMethod",
					    "forceLoginGatewayUrl", "apiKeyHelper" };
	const struct settings_document *d;
	const char *method;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		d = managed_find(s, false, keys[i]);
		method = d ? json_string_value(json_object_get(d->root, keys[i])) : NULL;
		/* A subscription's token is such a login. */
		if (p->auth == AUTH_OAUTH && method && strcmp(method, "claudeai") == 0)
			continue;
		if (d)
			return forced_fail(p, d, false, keys[i], f);
	}
	return 0;
}

/* ---- addresses ---- */

static bool url_is_same(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	while (n && a[n - 1] == '/')
		n--;
	while (m && b[m - 1] == '/')
		m--;
	return n == m && memcmp(a, b, n) == 0;
}

static bool value_is_on(const char *value)
{
	return *value && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0 &&
	       strcasecmp(value, "no") != 0 && strcasecmp(value, "off") != 0;
}

static const char *provider_url(const struct provider *p)
{
	const char *url = strchr(p->origin, ' ');

	return p->base_url[0] ? p->base_url : url ? url + 1 : "";
}

static const char base[] = "ANTHROPIC_BASE_URL"; /* no cloud's: whatever has none of its own */

/* Do they choose cloud, or its address, where p goes elsewhere? */
static int forced_cloud(const struct provider *p, const struct settings_files *s,
			const struct auth_client *cloud, struct failure *f)
{
	const struct auth_client *own = auth_client(p->auth);
	const char *const names[] = { cloud->use, cloud->base_url };
	const struct settings_document *d;
	const char *value;
	unsigned i;

	for (i = 0; i < 2; i++) {
		d = managed_find(s, true, names[i]);
		value = d && strcmp(names[i], base) != 0 ? settings_document_env(d, names[i]) : "";
		if (!value_is_on(value))
			continue;
		if (!own->use || strcmp(own->use, cloud->use) != 0 ||
		    (i == 1 && !url_is_same(value, provider_url(p))))
			return forced_fail(p, d, true, names[i], f);
	}
	return 0;
}

static int forced_address(const struct provider *p, const struct settings_files *s,
			  struct failure *f)
{
	const struct settings_document *d = managed_find(s, true, base);
	const struct auth_client *cloud;
	enum auth a;

	if (d && !url_is_same(settings_document_env(d, base), provider_url(p)))
		return forced_fail(p, d, true, base, f);
	for (a = AUTH_BEARER; a <= AUTH_GATEWAY; a++) {
		cloud = auth_client(a);
		if (cloud->use && forced_cloud(p, s, cloud, f) != 0)
			return -1;
	}
	return 0;
}

/* ---- a list of providers ---- */

/* p as the list names it. */
static const char *provider_kind(const struct provider *p)
{
	static const char at_home[] = "https://api.anthropic.com";
	const char *listed = auth_client(p->auth)->listed;

	/* A gateway has no address of its own. */
	if (listed && (!p->base_url[0] || p->auth == AUTH_GATEWAY))
		return listed;
	return url_is_same(provider_url(p), at_home) ? "anthropic" : "customEndpoint";
}

/* The lists of all files together, as the client joins them. */
static bool list_has(const struct settings_files *s, const char *kind)
{
	const json_t *list, *item;
	unsigned i;
	size_t k;

	for (i = 0; i < s->n; i++) {
		if (s->document[i].layer != SETTINGS_MANAGED)
			continue;
		list = json_object_get(s->document[i].root, "allowedProviders");
		json_array_foreach(list, k, item) if (json_is_string(item) &&
						      strcmp(json_string_value(item), kind) ==
							      0) return true;
	}
	return false;
}

static int forced_list(const struct provider *p, const struct settings_files *s, bool relayed,
		       struct failure *f)
{
	static const char key[] = "allowedProviders";
	const struct settings_document *d = managed_find(s, false, key);
	const char *kind = provider_kind(p);

	if (!d)
		return 0;
	if (!list_has(s, kind))
		return fail_set(f, FAIL_POLICY, "ask whoever administers this machine",
				"managed settings at %s force %s, which does not have '%s': "
				"provider %s cannot be used",
				d->path, key, kind, p->name);
	if (strcmp(kind, "customEndpoint") == 0 && !managed_find(s, true, "ANTHROPIC_BASE_URL"))
		return fail_set(f, FAIL_POLICY, "ask whoever administers this machine",
				"managed settings at %s force %s, and name no ANTHROPIC_BASE_URL: "
				"provider %s cannot be used",
				d->path, key, p->name);
	if (!relayed)
		return 0;
	fail_set(f, FAIL_POLICY, NULL,
		 "managed settings at %s force %s, with which claude sends nothing to a relay",
		 d->path, key);
	fail_hint(f,
		  "write delivery = preload into [policy] (ccctl edit %s), then ccctl approve %s",
		  p->name, p->name);
	return -1;
}

int forced_check(const struct provider *p, const struct settings_files *s, bool relayed,
		 struct failure *f)
{
	/* The person's own login at Anthropic: the client sees to it. */
	if (!environment_is_managed(p) && p->auth == AUTH_NONE)
		return 0;
	if (forced_login(p, s, f) != 0 || forced_address(p, s, f) != 0)
		return -1;
	return forced_list(p, s, relayed, f);
}
