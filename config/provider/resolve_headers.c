/*
 * config/provider/resolve_headers.c - [headers] and [betas].
 *
 * Values of [headers] are no secrets, but they route: some gateways send on, with the
 * key, to where a header of theirs says.  So they are sealed (env_sealed.h).
 */
#include "config/provider/resolve_headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/provider/delivery.h"
#include "config/provider/env_list.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"
#include "wire/names.h"

#define BETAS_MAX 32
#define HEADER_LINE_AROUND 9 /* "header:", "=" and the newline of a sealed line */

/* Headers that are said elsewhere, or by nobody.  The relay has the full list, and refuses
 * the others (relay/request_fields.c). */
static const struct {
	const char *name, *hint;
} elsewhere[] = {
	{ "authorization", "write header:authorization = SCHEME ENTRY in [secrets], or auth = in "
			   "[provider]" },
	{ "x-api-key", "write header:x-api-key = ENTRY in [secrets], or auth = api-key in "
		       "[provider]" },
	{ "api-key", "write header:api-key = ENTRY in [secrets]" },
	{ "x-goog-api-key", "write header:x-goog-api-key = ENTRY in [secrets]" },
	{ "proxy-authorization", "it is your proxy's: set HTTPS_PROXY in your own environment" },
	{ "cookie", "write header:NAME = ENTRY in [secrets] for what the gateway wants" },
	{ "anthropic-beta", "write NAME = yes in [betas]" },
	{ "anthropic-workspace-id", "write workspace = in [parameters], with auth = claude-aws" },
	{ "x-amzn-bedrock-service-tier", "write service_tier = in [models]" },
	{ "host", "write base_url = in [provider]" },
};

int headers_check_key(const struct ini_item *it, struct failure *f)
{
	size_t i;

	for (i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
		if (strcasecmp(elsewhere[i].name, it->key) == 0)
			return ini_fail(f, it, elsewhere[i].hint, "%s cannot be set in [%s]",
					it->key, it->section);
	/* One spelling of each, so that a mode or an overlay replaces what it means. */
	if (!wire_header_ok(it->key))
		return ini_fail(f, it, "names have lower-case letters, digits and -",
				"not a name for a header");
	return 0;
}

static int header_add(struct provider *p, const char *name, const char *value,
		      const struct ini_item *it, struct failure *f)
{
	size_t i, used = strlen(name) + strlen(value) + HEADER_LINE_AROUND;
	struct provider_header *h = &p->header[p->headers];
	char carrier[HEADER_NAME_MAX + 16];

	for (i = 0; i < p->headers; i++) {
		used += strlen(p->header[i].name) + strlen(p->header[i].value) + HEADER_LINE_AROUND;
	}
	snprintf(carrier, sizeof(carrier), "header:%s", name);
	for (i = 0; i < p->secrets; i++)
		if (wire_carriers_collide(p->secret[i].variable, carrier))
			return ini_fail(f, it, NULL, "the header %s is in [secrets] already", name);
	if (p->headers == HEADERS_MAX || used > HEADERS_MAX_LEN)
		return ini_fail(f, it, NULL, "more than %d headers, or %d characters of them",
				HEADERS_MAX, HEADERS_MAX_LEN);
	snprintf(h->name, sizeof(h->name), "%s", name);
	snprintf(h->value, sizeof(h->value), "%s", value);
	p->headers++;
	return 0;
}

static int header_add_item(struct provider *p, const struct ini_item *it, struct failure *f)
{
	char value[PROVIDER_VALUE_MAX + 1];

	if (env_list_expand(p, it, value, false, f) != 0)
		return -1;
	if (strlen(value) > HEADER_VALUE_MAX)
		return ini_fail(f, it, NULL, "%s is longer than %d characters", it->key,
				HEADER_VALUE_MAX);
	return header_add(p, it->key, value, it, f);
}

/* A line each, as the client reads them.  Where some are secret, whoever adds these adds all
 * of them: the relay, or the broker for the client. */
static int headers_add_variable(struct provider *p, const struct ini_item *at, struct failure *f)
{
	char lines[PROVIDER_VALUE_MAX + 1];
	size_t used = 0;
	unsigned i;

	for (i = 0; i < p->headers; i++) {
		used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%s%s: %s",
					 used ? "\n" : "", p->header[i].name, p->header[i].value);
		if (used >= sizeof(lines))
			return ini_fail(f, at, NULL, "the headers have more than %d characters",
					PROVIDER_VALUE_MAX);
	}
	return used ? env_list_add(p, "ANTHROPIC_CUSTOM_HEADERS", lines, "headers", at, f) : 0;
}

static int resolve_betas(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[BETAS_MAX];
	char list[PROVIDER_VALUE_MAX + 1];
	int i, n = view_items(v, 0, "betas", items, BETAS_MAX, f);
	size_t used = 0;

	for (i = 0; i < n; i++) {
		if (strcmp(items[i]->value, "no") == 0 || !items[i]->value[0])
			continue;
		if (strcmp(items[i]->value, "yes") != 0)
			return ini_fail(f, items[i], NULL, "a beta is yes or no");
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? "," : "",
					 items[i]->key);
		if (used >= sizeof(list))
			return ini_fail(f, items[i], NULL, "the betas have more than %d characters",
					PROVIDER_VALUE_MAX);
	}
	if (n < 0)
		return -1;
	return used ? env_list_add(p, "ANTHROPIC_BETAS", list, "betas", items[0], f) : 0;
}

int resolve_headers(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[HEADERS_MAX];
	int i, n = view_items(v, 0, "headers", items, HEADERS_MAX, f);

	for (i = 0; i < n; i++)
		/* An empty value takes back what a lower layer said. */
		if (items[i]->value[0] && header_add_item(p, items[i], f) != 0)
			return -1;
	if (n < 0 ||
	    (n > 0 && !secrets_have_header(p) && headers_add_variable(p, items[0], f) != 0))
		return -1;
	return resolve_betas(p, v, f);
}
