/*
 * helpers/usage/usage_kind.c - the kinds of quota: which URL is asked, and how.
 */
#include "helpers/usage/usage_kind.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "config/provider/endpoint.h"

static const struct usage_kind kinds[] = {
	{ .name = "openrouter",
	  .path = "/api/v1/key",
	  .bearer = true,
	  .host = { "openrouter.ai" },
	  .parse = answer_openrouter },
	{ .name = "zai",
	  .path = "/api/monitor/usage/quota/limit",
	  .host = { "api.z.ai", "open.bigmodel.cn" },
	  .parse = answer_zai },
	{ .name = "deepseek",
	  .path = "/user/balance",
	  .bearer = true,
	  .host = { "api.deepseek.com" },
	  .parse = answer_deepseek },
	{ .name = "moonshot",
	  .path = "/v1/users/me/balance",
	  .bearer = true,
	  .host = { "api.moonshot.ai", "api.moonshot.cn" },
	  .parse = answer_moonshot },
	{ .name = "minimax",
	  .path = "/v1/api/openplatform/coding_plan/remains",
	  .bearer = true,
	  .host = { "api.minimax.io", "api.minimaxi.com" },
	  .parse = answer_minimax },
	{ .name = "siliconflow",
	  .path = "/v1/user/info",
	  .bearer = true,
	  .host = { "api.siliconflow.com", "api.siliconflow.cn" },
	  .parse = answer_siliconflow },
	/* This server answers 429 for long periods, so wait at least five minutes. */
	{ .name = "anthropic",
	  .path = "/api/oauth/usage",
	  .bearer = true,
	  .own = true,
	  .header = "anthropic-beta: oauth-2025-04-20",
	  .least = 300,
	  .host = { "api.anthropic.com" },
	  .parse = answer_anthropic },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct usage_kind *usage_kind_find(const char *name)
{
	unsigned i;

	for (i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const char *usage_kind_name(unsigned i)
{
	return i < KINDS ? kinds[i].name : NULL;
}

static bool kind_has_host(const struct usage_kind *kind, const char *host)
{
	unsigned i;

	for (i = 0; i < HOSTS_MAX && kind->host[i]; i++)
		if (strcasecmp(kind->host[i], host) == 0)
			return true;
	return false;
}

/* Is it this machine, in a form that is not looked up in DNS? */
static bool endpoint_is_loopback(const struct endpoint *e)
{
	struct in_addr a;

	if (!e->local)
		return false;
	return strcasecmp(e->host, "localhost") == 0 || strcmp(e->host, "::1") == 0 ||
	       (inet_pton(AF_INET, e->host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

int usage_kind_target(const struct usage_kind *kind, const char *origin, struct usage_target *out,
		      struct failure *f)
{
	const char *url = origin ? strchr(origin, ' ') : NULL, *why;
	struct endpoint e;
	size_t start, end;
	int n;

	memset(out, 0, sizeof(*out));
	if (!origin) {
		snprintf(out->host, sizeof(out->host), "%s", kind->host[0]);
		n = snprintf(out->url, sizeof(out->url), "https://%s%s", kind->host[0], kind->path);
		return n > 0 && n < (int)sizeof(out->url) ? 0 : -1;
	}
	url = url ? url + 1 : "";
	why = endpoint_parse(url, &e);
	if (why || endpoint_span(url, &start, &end))
		return fail_set(f, FAIL_ORIGIN, NULL, "the entry's sealed address %s",
				why ? why : "is none");
	out->loopback = endpoint_is_loopback(&e);
	if (!out->loopback && !kind_has_host(kind, e.host))
		return fail_set(
			f, FAIL_ORIGIN, "another kind below [usage], or none",
			"the entry is sealed for %.200s, which is not asked about quota as %s",
			e.host, kind->name);
	if (!out->loopback && !e.tls)
		return fail_set(f, FAIL_ORIGIN, NULL, "the entry's sealed address is plain http");
	snprintf(out->host, sizeof(out->host), "%s", e.host);
	n = snprintf(out->url, sizeof(out->url), "%.*s%s", (int)end, url, kind->path);
	if (n < 0 || n >= (int)sizeof(out->url))
		return fail_set(f, FAIL_ORIGIN, NULL, "the entry's sealed address is too long");
	return 0;
}
