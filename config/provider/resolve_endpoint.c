/*
 * config/provider/resolve_endpoint.c - where a provider's requests go, and the origin
 * that is sealed with the key: no parameter may bend either.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/endpoint.h"
#include "config/provider/resolve.h"

/* Is it ${name} and nothing else: an address that a person gives as a whole? */
static bool whole(const char *template)
{
	const char *close = strchr(template, '}');

	return strncmp(template, "${", 2) == 0 && close && close[1] == '\0';
}

/* Every parameter within the host of the template keeps to its place there. */
static int check_template(const struct provider *p, const struct ini_item *it, struct failure *f)
{
	const struct provider_param *param;
	const char *why, *s, *close;
	size_t start, end;

	if (whole(it->value))
		return 0;
	why = endpoint_span(it->value, &start, &end);
	if (why)
		return ini_fail(f, it, NULL, "base_url %s", why);
	for (s = strstr(it->value + start, "${"); s && s < it->value + end; s = strstr(s + 2, "${")) {
		close = strchr(s, '}');
		param = close ? params_find(p, s + 2, (size_t)(close - s) - 2) : NULL;
		if (param && params_check_host(param, it, f) != 0)
			return -1;
	}
	return 0;
}

/* The address with "1" for what is not known yet: a label, a port, a path. */
static void stand_in(const char *url, char *out)
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

static void note(struct provider *p, const char *text)
{
	size_t n = strlen(p->note);

	snprintf(p->note + n, sizeof(p->note) - n, "%s%s", n ? "; " : "", text);
}

static int base_url(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "base_url", NULL);
	char trial[PROVIDER_VALUE_MAX + 1];
	struct endpoint e;
	const char *why;

	if (!it)
		return 0;
	if (params_expand(p, it, p->base_url, sizeof(p->base_url), f) != 0 ||
	    check_template(p, it, f) != 0)
		return -1;
	if (whole(p->base_url))
		return 0; /* not known yet */
	/* the libraries for these two want a version in the path, others add it */
	if (endpoint_trim(p->base_url, p->auth != AUTH_VERTEX && p->auth != AUTH_BEDROCK))
		note(p, "base_url: dropped /v1, the client adds it");
	stand_in(p->base_url, trial);
	why = endpoint_parse(trial, &e);
	if (why)
		return ini_fail(f, it, NULL, "base_url %s", why);
	p->local = e.local;
	if (!e.tls && !e.local && p->secrets)
		note(p, "base_url: plain http, the key crosses the network in the clear");
	return 0;
}

/* The item that chose auth, for messages. */
static int need(const struct provider *p, const struct view *v, const char *name, struct failure *f)
{
	const struct ini_item *at = view_get(v, "provider", "auth", NULL);
	const struct provider_param *param = params_find(p, name, strlen(name));

	if (!param)
		return ini_fail(f, at, "write it in [parameters]", "auth = %s needs a parameter %s",
				auth_name(p->auth), name);
	return params_check_host(param, at, f);
}

static int check_params(const struct provider *p, const struct view *v, struct failure *f)
{
	switch (p->auth) {
	case AUTH_BEDROCK:
		return need(p, v, "region", f);
	case AUTH_VERTEX:
		return need(p, v, "region", f) != 0 ? -1 : need(p, v, "project", f);
	case AUTH_FOUNDRY:
		return p->base_url[0] ? 0 : need(p, v, "resource", f);
	default:
		return 0;
	}
}

static const char *known(const struct provider *p, const char *name, char out[NAME_MAX_LEN + 4])
{
	const struct provider_param *param = params_find(p, name, strlen(name));

	if (param && param->value[0])
		return param->value;
	snprintf(out, NAME_MAX_LEN + 4, "${%s}", name);
	return out;
}

static int vertex_host(const char *region, char *out, size_t size)
{
	if (strcmp(region, "global") == 0)
		return snprintf(out, size, "https://aiplatform.googleapis.com");
	/* the multi-regions have a host of another form */
	if (strcmp(region, "us") == 0 || strcmp(region, "eu") == 0)
		return snprintf(out, size, "https://aiplatform.%s.rep.googleapis.com", region);
	return snprintf(out, size, "https://%s-aiplatform.googleapis.com", region);
}

static int set_origin(struct provider *p, const struct view *v, struct failure *f)
{
	char url[PROVIDER_VALUE_MAX + 64], unknown[NAME_MAX_LEN + 4];
	int n;

	if (p->base_url[0])
		n = snprintf(url, sizeof(url), "%s", p->base_url);
	else if (p->auth == AUTH_BEDROCK)
		n = snprintf(url, sizeof(url), "https://bedrock-runtime.%s.amazonaws.com",
			     known(p, "region", unknown));
	else if (p->auth == AUTH_FOUNDRY)
		n = snprintf(url, sizeof(url), "https://%s.services.ai.azure.com/anthropic",
			     known(p, "resource", unknown));
	else if (p->auth == AUTH_VERTEX)
		n = vertex_host(known(p, "region", unknown), url, sizeof(url));
	else
		n = snprintf(url, sizeof(url), "https://api.anthropic.com");
	if (n < 0 || (size_t)n >= sizeof(url) ||
	    snprintf(p->origin, sizeof(p->origin), "%s %s", auth_name(p->auth), url) >=
		    (int)sizeof(p->origin))
		return ini_fail(f, view_get(v, "provider", "auth", NULL), NULL,
				"the endpoint is longer than %d characters", ORIGIN_MAX_LEN);
	return 0;
}

int resolve_endpoint(struct provider *p, const struct view *v, struct failure *f)
{
	if (base_url(p, v, f) != 0 || check_params(p, v, f) != 0)
		return -1;
	return set_origin(p, v, f);
}
