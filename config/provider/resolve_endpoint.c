/*
 * config/provider/resolve_endpoint.c - where a provider's requests go, and the origin
 * that is sealed with the key.  No parameter may change the host of either.
 */
#include "config/provider/resolve_endpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/provider/auth.h"
#include "wire/endpoint.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"

/* Is it ${name} and nothing else, so that the user gives the whole address? */
static bool template_is_parameter(const char *template)
{
	const char *close = strchr(template, '}');

	return strncmp(template, "${", 2) == 0 && close && close[1] == '\0';
}

/* Check that no parameter in the host of the address leaves its place there. */
static int template_check(const struct provider *p, const struct ini_item *it, struct failure *f)
{
	char url[PROVIDER_VALUE_MAX + 1];
	const struct provider_param *param;
	const char *why, *s, *close;
	size_t start, end;

	if (template_is_parameter(it->value))
		return 0;
	snprintf(url, sizeof(url), "%s", it->value);
	endpoint_correct(url, false);
	why = endpoint_span(url, &start, &end);
	if (why)
		return ini_fail(f, it, endpoint_mend(url), "base_url %s", why);
	for (s = strstr(url + start, "${"); s && s < url + end; s = strstr(s + 2, "${")) {
		close = strchr(s, '}');
		param = close ? params_find(p, s + 2, (size_t)(close - s) - 2) : NULL;
		if (param && params_check_host(param, it, f) != 0)
			return -1;
	}
	return 0;
}

/* Replace each ${name} that has no value yet by "1", which fits as a label, a port or a path. */
static void template_fill_in(const char *url, char *out)
{
	const char *close;

	while (*url) {
		close = url[0] == '$' && url[1] == '{' ? strchr(url, '}') : NULL;
		if (close) {
			*out++ = '1';
			url = close + 1;
		} else {
			*out++ = *url++;
		}
	}
	*out = '\0';
}

static void endpoint_add_note(struct provider *p, const char *text)
{
	size_t n = strlen(p->note);

	snprintf(p->note + n, sizeof(p->note) - n, "%s%s", n ? "; " : "", text);
}

static void endpoint_note_corrections(struct provider *p, unsigned changed)
{
	if (changed & ENDPOINT_MESSAGES)
		endpoint_add_note(p, "base_url: dropped /v1/messages, the client adds it");
	else if (changed & ENDPOINT_V1)
		endpoint_add_note(p, "base_url: dropped /v1, the client adds it");
	if (changed & ENDPOINT_CASE)
		endpoint_add_note(p, "base_url: scheme and host are used in lower case");
}

static int endpoint_set_base_url(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "base_url", NULL);
	char trial[PROVIDER_VALUE_MAX + 1];
	struct endpoint e;
	const char *why;

	if (!it)
		return 0;
	if (params_expand(p, it, p->base_url, sizeof(p->base_url), f) != 0 ||
	    template_check(p, it, f) != 0)
		return -1;
	if (template_is_parameter(p->base_url))
		return 0; /* the user has not been asked yet */
	endpoint_note_corrections(p, endpoint_correct(p->base_url,
						      origin_client_adds_v1(auth_name(p->auth))));
	template_fill_in(p->base_url, trial);
	why = endpoint_parse(trial, &e);
	if (why)
		return ini_fail(f, it, endpoint_mend(trial), "base_url %s", why);
	why = endpoint_other_api(trial);
	if (why)
		return ini_fail(f, it,
				"the one of the provider's page about Claude Code, without "
				"/v1/messages",
				"base_url %s", why);
	if (!e.tls && endpoint_host_is_mdns(e.host) && p->secrets)
		return ini_fail(
			f, it, "give the server TLS, and write https://",
			"base_url: any program can take the name %.64s, and would get the key",
			e.host);
	p->local = e.local;
	if (!e.tls && !e.local && p->secrets)
		endpoint_add_note(p,
				  "base_url: plain http, the key crosses the network in the clear");
	return 0;
}

/* Check a parameter that this kind of auth cannot do without. */
static int endpoint_need_param(const struct provider *p, const struct view *v, const char *name,
			       struct failure *f)
{
	const struct ini_item *at = view_get(v, "provider", "auth", NULL);
	const struct provider_param *param = params_find(p, name, strlen(name));

	if (!param)
		return ini_fail(f, at, "write it in [parameters]", "auth = %s needs a parameter %s",
				auth_name(p->auth), name);
	return params_check_host(param, at, f);
}

static int endpoint_check_params(const struct provider *p, const struct view *v, struct failure *f)
{
	const struct auth_parameter *needed;
	unsigned i;

	for (i = 0; (needed = auth_parameter(p->auth, i)); i++)
		if (!(needed->names_host && p->base_url[0]) &&
		    endpoint_need_param(p, v, needed->name, f) != 0)
			return -1;
	if (p->auth == AUTH_GATEWAY && !p->base_url[0])
		return ini_fail(f, view_get(v, "provider", "auth", NULL),
				"write base_url in [provider]", "auth = gateway needs a base_url");
	return 0;
}

static const char *endpoint_param_text(const struct provider *p, const char *name,
				       char out[NAME_MAX_LEN + 4])
{
	const struct provider_param *param = params_find(p, name, strlen(name));

	if (param && param->value[0])
		return param->value;
	snprintf(out, NAME_MAX_LEN + 4, "${%s}", name);
	return out;
}

static int endpoint_format_vertex(const char *region, char *out, size_t size)
{
	if (strcmp(region, "global") == 0)
		return snprintf(out, size, "https://aiplatform.googleapis.com");
	/* The multi-regions have host names of another form. */
	if (strcmp(region, "us") == 0 || strcmp(region, "eu") == 0)
		return snprintf(out, size, "https://aiplatform.%s.rep.googleapis.com", region);
	return snprintf(out, size, "https://%s-aiplatform.googleapis.com", region);
}

/* Where the client sends requests when nobody says where: what it did at a proxy
 * (Claude Code 2.1.330, 2026-11-29). */
static int endpoint_format_usual(const struct provider *p, char *out, size_t size)
{
	char unknown[NAME_MAX_LEN + 4];
	const char *region = endpoint_param_text(p, "region", unknown);

	switch (p->auth) {
	case AUTH_BEDROCK:
		return snprintf(out, size, "https://bedrock-runtime.%s.amazonaws.com", region);
	case AUTH_MANTLE:
		return snprintf(out, size, "https://bedrock-mantle.%s.api.aws/anthropic", region);
	case AUTH_CLAUDE_AWS:
		return snprintf(out, size, "https://aws-external-anthropic.%s.api.aws", region);
	case AUTH_CLAUDE_GOOGLE:
		return snprintf(out, size, "https://claude.googleapis.com");
	case AUTH_VERTEX:
		return endpoint_format_vertex(region, out, size);
	case AUTH_FOUNDRY:
	case AUTH_FOUNDRY_TOKEN:
		return snprintf(out, size, "https://%s.services.ai.azure.com/anthropic",
				endpoint_param_text(p, "resource", unknown));
	case AUTH_BEARER:
	case AUTH_API_KEY:
	case AUTH_OAUTH:
	case AUTH_NONE:
	case AUTH_GATEWAY:
		break;
	}
	return snprintf(out, size, "https://api.anthropic.com");
}

static int endpoint_set_origin(struct provider *p, const struct view *v, struct failure *f)
{
	char url[PROVIDER_VALUE_MAX + 64];
	int n;

	n = p->base_url[0] ? snprintf(url, sizeof(url), "%s", p->base_url)
			   : endpoint_format_usual(p, url, sizeof(url));
	if (n < 0 || (size_t)n >= sizeof(url) ||
	    snprintf(p->origin, sizeof(p->origin), "%s %s", auth_name(p->auth), url) >=
		    (int)sizeof(p->origin))
		return ini_fail(f, view_get(v, "provider", "auth", NULL), NULL,
				"the endpoint is longer than %d characters", ORIGIN_MAX_LEN);
	return 0;
}

int resolve_endpoint(struct provider *p, const struct view *v, struct failure *f)
{
	if (endpoint_set_base_url(p, v, f) != 0 || endpoint_check_params(p, v, f) != 0)
		return -1;
	return endpoint_set_origin(p, v, f);
}
