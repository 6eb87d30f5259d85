/*
 * client/common/key_kind.c - keys whose vendor marks them.
 */
#include "client/common/key_kind.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "client/common/entries.h"

#define ANTHROPIC_HOST "api.anthropic.com"

static const struct {
	const char *beginning, *owner, *domain;
} owners[] = {
	{ "sk-ant-", "Anthropic", "anthropic.com" },
	{ "sk-or-v1-", "OpenRouter", "openrouter.ai" },
};

static bool key_begins(const uint8_t *p, size_t n, const char *beginning)
{
	size_t k = strlen(beginning);

	return n > k && memcmp(p, beginning, k) == 0;
}

/* Is host the domain, or below it? */
static bool host_is_of(const char *host, const char *domain)
{
	size_t n = strlen(host), k = strlen(domain);

	return n >= k && strcasecmp(host + n - k, domain) == 0 &&
	       (n == k || host[n - k - 1] == '.');
}

/* An API key goes as x-api-key and as nothing else, a subscription's token never so. */
static int anthropic_check(const uint8_t *p, size_t n, const struct wanted *w, struct failure *f)
{
	bool bearer = strcmp(w->variable, "ANTHROPIC_AUTH_TOKEN") == 0;
	bool oauth = strncmp(w->variable, "CLAUDE_CODE_OAUTH_TOKEN",
			     strlen("CLAUDE_CODE_OAUTH_TOKEN")) == 0;

	if (key_begins(p, n, "sk-ant-api") && (bearer || oauth))
		return fail_set(
			f, FAIL_BAD_VALUE,
			"ccctl add anthropic, or auth = api-key in the provider's file "
			"(ccctl add NAME --set auth=api-key)",
			"that is an API key of Anthropic's, which its API takes as x-api-key "
			"alone");
	if (key_begins(p, n, "sk-ant-oat") && !oauth)
		return fail_set(
			f, FAIL_BAD_VALUE, "ccctl add claude-token",
			"that is a subscription's token (claude setup-token), and no API key");
	return 0;
}

int key_kind_check(const uint8_t *p, size_t n, const struct wanted *w, const char **owner,
		   struct failure *f)
{
	char host[ORIGIN_MAX_LEN + 1];
	size_t i;

	*owner = NULL;
	/* A second credential of a provider's may be any vendor's. */
	if (strncmp(w->variable, "ANTHROPIC_A", 11) != 0 &&
	    strncmp(w->variable, "CLAUDE_CODE_", 12) != 0)
		return 0;
	origin_host(w->origin, host, sizeof(host));
	if (!host[0])
		return 0;
	for (i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (key_begins(p, n, owners[i].beginning) && !host_is_of(host, owners[i].domain))
			*owner = owners[i].owner;
	return strcasecmp(host, ANTHROPIC_HOST) == 0 ? anthropic_check(p, n, w, f) : 0;
}
