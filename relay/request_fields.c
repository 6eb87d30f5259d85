/*
 * relay/request_fields.c - which fields of the client's request the provider gets.
 */
#include "relay/request_fields.h"

#include <string.h>

#include "base/control.h"

static const struct {
	const char *name; /* `proxy-*`: all names that begin so */
	enum request_field_kind kind;
} field_kinds[] = {
	/*
	 * What the client 2.1.330 sent with GET /v1/models and POST /v1/messages on
	 * 2026-11-28; x-client-request-id is in its code, but was not sent then.
	 */
	{ "anthropic-beta", REQUEST_FIELD_PASSED },
	{ "anthropic-dangerous-direct-browser-access", REQUEST_FIELD_PASSED },
	{ "anthropic-version", REQUEST_FIELD_PASSED },
	/* Which of an organization's workspaces pays, at the same host. */
	{ "anthropic-workspace-id", REQUEST_FIELD_PASSED },
	{ "content-type", REQUEST_FIELD_PASSED },
	{ "user-agent", REQUEST_FIELD_PASSED },
	{ "x-amzn-bedrock-service-tier", REQUEST_FIELD_PASSED },
	{ "x-app", REQUEST_FIELD_PASSED },
	{ "x-claude-code-*", REQUEST_FIELD_PASSED },
	{ "x-client-request-id", REQUEST_FIELD_PASSED },
	{ "x-stainless-*", REQUEST_FIELD_PASSED },

	{ "host", REQUEST_FIELD_REPLACED },
	{ "accept", REQUEST_FIELD_REPLACED },
	/* The relay looks for the key in answers, so they must be whole and not compressed. */
	{ "accept-encoding", REQUEST_FIELD_REPLACED },
	{ "range", REQUEST_FIELD_REPLACED },
	{ "if-range", REQUEST_FIELD_REPLACED },

	{ "authorization", REQUEST_FIELD_CREDENTIAL },
	{ "proxy-authorization", REQUEST_FIELD_CREDENTIAL },
	{ "x-api-key", REQUEST_FIELD_CREDENTIAL },
	{ "api-key", REQUEST_FIELD_CREDENTIAL },
	{ "x-goog-api-key", REQUEST_FIELD_CREDENTIAL },
	{ "x-amz-security-token", REQUEST_FIELD_CREDENTIAL },
	{ "cookie", REQUEST_FIELD_CREDENTIAL },

	/* RFC 9110, 7.6.1, and the framing, which the relay writes itself. */
	{ "connection", REQUEST_FIELD_HOP },
	{ "content-encoding", REQUEST_FIELD_HOP },
	{ "content-length", REQUEST_FIELD_HOP },
	{ "expect", REQUEST_FIELD_HOP },
	{ "http2-settings", REQUEST_FIELD_HOP },
	{ "keep-alive", REQUEST_FIELD_HOP },
	{ "proxy-*", REQUEST_FIELD_HOP },
	{ "te", REQUEST_FIELD_HOP },
	{ "trailer", REQUEST_FIELD_HOP },
	{ "transfer-encoding", REQUEST_FIELD_HOP },
	{ "upgrade", REQUEST_FIELD_HOP },

	/* They would go past the list of methods and paths, or to another host. */
	{ "forwarded", REQUEST_FIELD_ROUTING },
	{ "x-forwarded-*", REQUEST_FIELD_ROUTING },
	{ "x-http-method", REQUEST_FIELD_ROUTING },
	{ "x-http-method-override", REQUEST_FIELD_ROUTING },
	{ "x-method-override", REQUEST_FIELD_ROUTING },
	{ "x-original-url", REQUEST_FIELD_ROUTING },
	{ "x-rewrite-url", REQUEST_FIELD_ROUTING },
};

static bool name_matches(struct http_view name, const char *pattern)
{
	struct http_view wanted = http_view_of(pattern);

	if (wanted.p[wanted.n - 1] == '*') {
		wanted.n--;
		if (name.n > wanted.n)
			name.n = wanted.n;
	}
	return http_names_equal(name, wanted);
}

enum request_field_kind request_field_kind(struct http_view name)
{
	size_t i;

	for (i = 0; i < sizeof(field_kinds) / sizeof(field_kinds[0]); i++)
		if (name_matches(name, field_kinds[i].name))
			return field_kinds[i].kind;
	return REQUEST_FIELD_OTHER;
}

/* Does one of r's Connection fields say that this name is for the next hop alone? */
static bool connection_names(const struct http_request *r, struct http_view name)
{
	struct http_view list, option;
	size_t i;

	for (i = 0; i < r->field_count; i++) {
		if (!http_name_is(r->fields[i].name, "connection"))
			continue;
		list = r->fields[i].value;
		while (http_list_next(&list, &option))
			if (http_names_equal(option, name))
				return true;
	}
	return false;
}

static bool policy_writes(const struct request_field_policy *p, struct http_view name)
{
	size_t i;

	for (i = 0; i < p->secret_count; i++)
		if (http_name_is(name, p->secrets[i].name))
			return true;
	for (i = 0; i < p->added_count; i++)
		if (http_name_is(name, p->added[i].name))
			return true;
	return false;
}

bool request_field_passes(const struct http_request *r, struct http_view name,
			  const struct request_field_policy *p)
{
	enum request_field_kind kind = request_field_kind(name);

	if (!control_active(CONTROL_REQUEST_FIELDS))
		return kind != REQUEST_FIELD_HOP && kind != REQUEST_FIELD_REPLACED;
	/* No name that passes has a `_`, so such a name is only an imitation of one. */
	if (memchr(name.p, '_', name.n))
		return false;
	if (kind != REQUEST_FIELD_PASSED)
		return false;
	return !policy_writes(p, name) && !connection_names(r, name);
}
