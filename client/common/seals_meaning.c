/*
 * client/common/seals_meaning.c - what a sealed value means to a person.
 */
#include "client/common/seals_meaning.h"

#include <stdio.h>
#include <string.h>

#include "config/client/network.h"
#include "config/provider/provider.h"

/* What allows more, and why that matters. */
static const char *const meaning[POLICY_KEYS][2] = {
	{ "delivery", "it reaches claude itself, in a way that protects it less" },
	{ "nested", "programs inside a session may have it, or sessions of their own" },
	{ "strict", "it is handed out also where less protects it" },
	{ "exposed", "MCP servers and hooks may get it" },
	{ "keep", "automatic locks leave it open" },
	{ "ttl", "it stays in memory longer" },
	{ "linger", "what a session leaves running goes on using it that long after it" },
	{ "confine", "programs of a session reach your other programs and this terminal" },
	{ "config_dir", "claude obeys the settings and hooks there" },
	{ "env",
	  "these variables and headers decide how claude works, or are not known to be harmless" },
	{ "ca", "whoever signs with these certificate authorities can read it on its way" },
};

const char *seal_meaning(const char *key)
{
	unsigned i;

	for (i = 0; i < POLICY_KEYS && meaning[i][0]; i++)
		if (strcmp(meaning[i][0], key) == 0)
			return meaning[i][1];
	return NULL;
}

bool seal_allows_more(const struct policy *p, const struct policy *than, unsigned i)
{
	char value[POLICY_VALUE], other[POLICY_VALUE];
	const char *key = policy_key(i);

	if (strcmp(key, "delivery") == 0)
		return p->delivery > than->delivery;
	if (strcmp(key, "nested") == 0)
		return p->nested > than->nested;
	if (strcmp(key, "strict") == 0)
		return than->strict && !p->strict;
	if (strcmp(key, "exposed") == 0)
		return p->exposed && !than->exposed;
	if (strcmp(key, "keep") == 0)
		return p->keep && !than->keep;
	if (strcmp(key, "ttl") == 0)
		return than->ttl && (!p->ttl || p->ttl > than->ttl);
	if (strcmp(key, "linger") == 0)
		return p->linger > than->linger;
	if (strcmp(key, "confine") == 0)
		return p->confine > than->confine;
	policy_value(p, i, value);
	policy_value(than, i, other);
	return seal_meaning(key) && value[0] && strcmp(value, other) != 0;
}

static const char *by_session(const struct network_value *v)
{
	return v->written ? ", which a session can write" : "";
}

void seal_say_network(const struct provider *p, seal_line_fn *line)
{
	static struct network n;
	char proxy[NETWORK_VALUE_MAX + 1];

	if (network_of_person(p, &n, NULL) != 0)
		return;
	if (n.ca.text[0])
		line("    %s says so (%s%s)", n.ca.name, n.ca.from, by_session(&n.ca));
	if (!n.proxy.text[0])
		return;
	network_show_text(n.proxy.text, proxy);
	line("    requests go through the proxy %s (%s, %s%s): with such an authority's key it "
	     "reads yours",
	     proxy, n.proxy.name, n.proxy.from, by_session(&n.proxy));
}

void seal_say_prices(const struct provider *p, seal_line_fn *line)
{
	char text[PRICE_LINE_TEXT];
	unsigned i;

	for (i = 0; i < p->prices; i++) {
		price_line_format(&p->price[i], text);
		line("    %s = %s (%s)", p->price[i].model, text, p->price_where[i]);
	}
	line("    what a limit in money counts depends on them");
}

void seal_value_text(const struct policy *p, unsigned i, char out[POLICY_VALUE])
{
	policy_words_value(p, i, out);
	if (!out[0])
		snprintf(out, POLICY_VALUE, "none");
}
