/*
 * wire/usage_place.c - where a provider is asked how much of its quota is used.
 */
#include "wire/usage_place.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/control.h"
#include "base/fail.h"
#include "wire/endpoint.h"

static const struct usage_place places[] = {
	{ .kind = "openrouter",
	  .path = "/api/v1/key",
	  .bearer = true,
	  .host = { "openrouter.ai" } },
	{ .kind = "zai",
	  .path = "/api/monitor/usage/quota/limit",
	  .host = { "api.z.ai", "open.bigmodel.cn" } },
	{ .kind = "deepseek",
	  .path = "/user/balance",
	  .bearer = true,
	  .host = { "api.deepseek.com" } },
	{ .kind = "moonshot",
	  .path = "/v1/users/me/balance",
	  .bearer = true,
	  .host = { "api.moonshot.ai", "api.moonshot.cn" } },
	{ .kind = "minimax",
	  .path = "/v1/api/openplatform/coding_plan/remains",
	  .bearer = true,
	  .host = { "api.minimax.io", "api.minimaxi.com" } },
	{ .kind = "siliconflow",
	  .path = "/v1/user/info",
	  .bearer = true,
	  .host = { "api.siliconflow.com", "api.siliconflow.cn" } },
	{ .kind = "anthropic",
	  .path = "/api/oauth/usage",
	  .bearer = true,
	  .own = true,
	  .host = { "api.anthropic.com" } },
};

const struct usage_place *usage_place_find(const char *kind)
{
	unsigned i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(places[i].kind, kind) == 0)
			return &places[i];
	return NULL;
}

static bool place_has_host(const struct usage_place *place, const char *host)
{
	unsigned i;

	for (i = 0; i < USAGE_HOSTS_MAX && place->host[i]; i++)
		if (strcasecmp(place->host[i], host) == 0)
			return true;
	return false;
}

/* Is it this machine, in a form that is not looked up in DNS?  Who asks connects localhost and
 * the names below it to 127.0.0.1. */
static bool endpoint_is_loopback(const struct endpoint *e)
{
	struct in_addr a;

	if (!e->local)
		return false;
	return endpoint_host_is_localhost(e->host) || strcmp(e->host, "::1") == 0 ||
	       (inet_pton(AF_INET, e->host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

int usage_place_target(const struct usage_place *place, const char *origin,
		       struct usage_target *out, struct failure *f)
{
	const char *url = origin ? strchr(origin, ' ') : NULL, *why;
	struct endpoint e;
	size_t start, end;
	int n;

	memset(out, 0, sizeof(*out));
	if (!origin) {
		snprintf(out->host, sizeof(out->host), "%s", place->host[0]);
		n = snprintf(out->url, sizeof(out->url), "https://%s%s", place->host[0],
			     place->path);
		return n > 0 && n < (int)sizeof(out->url) ? 0 : -1;
	}
	url = url ? url + 1 : "";
	why = endpoint_parse(url, &e);
	if (why || endpoint_span(url, &start, &end))
		return fail_set(f, FAIL_ORIGIN, NULL, "the entry's sealed address %s",
				why ? why : "is none");
	out->loopback = endpoint_is_loopback(&e);
	if (!out->loopback && !place_has_host(place, e.host) && control_active(CONTROL_QUOTA_HOST))
		return fail_set(
			f, FAIL_ORIGIN, "another kind below [usage], or none",
			"the entry is sealed for %.200s, which is not asked about quota as %s",
			e.host, place->kind);
	if (!out->loopback && !e.tls)
		return fail_set(f, FAIL_ORIGIN, NULL, "the entry's sealed address is plain http");
	snprintf(out->host, sizeof(out->host), "%s", e.host);
	n = snprintf(out->url, sizeof(out->url), "%.*s%s", (int)end, url, place->path);
	if (n < 0 || n >= (int)sizeof(out->url))
		return fail_set(f, FAIL_ORIGIN, NULL, "the entry's sealed address is too long");
	return 0;
}
