/*
 * tests/relay/test_request_head.c - which requests pass, which of their fields, and
 * what is written to the provider.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "relay/http_request.h"
#include "relay/http_target.h"
#include "relay/request_fields.h"
#include "relay/request_head.h"
#include "relay/request_routes.h"

#define ACCEPT "Accept: application/json, text/event-stream\r\nAccept-Encoding: identity\r\n"

static const struct request_secret secrets[] = {
	{ "authorization", "Bearer" },
	{ "cf-aig-authorization", NULL },
};

static const struct request_added added[] = { { "x-private", "ours: a b" }, { "x-one", "1" } };

static const struct request_provider provider = {
	"api.example.com", "", { secrets, 2, added, sizeof(added) / sizeof(added[0]) }, NULL
};

static struct http_request_reader reader;
static char out[4096];
static size_t out_n;

static const struct http_request *request(const char *head)
{
	http_request_init(&reader);
	assert_int_equal(http_request_read(&reader, head, strlen(head)), HTTP_DONE);
	return &reader.request;
}

static void expect_written(const struct request_provider *p, const char *head, const char *want)
{
	struct failure f = { 0 };
	size_t n, most;

	assert_int_equal(request_head_write(request(head), p, out, sizeof(out), &n, &f), 0);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	/* In a buffer that is too small by any number of bytes it is refused. */
	for (most = 0; most < n; most++) {
		memset(out, '#', sizeof(out));
		assert_int_equal(request_head_write(&reader.request, p, out, most, &out_n, &f), -1);
		assert_int_equal(f.code, FAIL_TOO_LARGE);
		assert_int_equal(out[most], '#');
	}
	assert_int_equal(request_head_write(&reader.request, p, out, n, &out_n, &f), 0);
}

static void test_head(void **state)
{
	const struct request_provider below = { "[::1]:8080", "/api/x", { 0 }, NULL };

	(void)state;
	expect_written(&provider,
		       "POST /v1/messages?beta=true HTTP/1.1\r\n"
		       "host: ccrun.invalid\r\n"
		       "Accept: */*\r\n"
		       "Content-Length: 12\r\n"
		       "authorization: Bearer placeholder\r\n"
		       "Cf-Aig-Authorization: mine\r\n"
		       "accept-encoding: gzip, br\r\n"
		       "Connection: x-private, keep-alive\r\n"
		       "X-Private: theirs\r\n"
		       "X-One: theirs\r\n"
		       "X-Http-Method-Override: DELETE\r\n"
		       "x-portkey-custom-host: http://evil.example\r\n"
		       "anthropic-version: 2023-06-01\r\n"
		       "X-Stainless-Os:\r\n\r\n",
		       "POST /v1/messages?beta=true HTTP/1.1\r\n"
		       "Host: api.example.com\r\n" ACCEPT "Content-Length: 12\r\n"
		       "anthropic-version: 2023-06-01\r\n"
		       "X-Stainless-Os: \r\n"
		       "x-private: ours: a b\r\n"
		       "x-one: 1\r\n");
	expect_written(&below, "GET /v1/models? HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		       "GET /api/x/v1/models? HTTP/1.1\r\nHost: [::1]:8080\r\n" ACCEPT);
	expect_written(
		&below,
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n",
		"POST /api/x/ HTTP/1.1\r\nHost: [::1]:8080\r\n" ACCEPT
		"Transfer-Encoding: chunked\r\n");
}

static void test_wrong_provider(void **state)
{
	static const char *const hosts[] = { "", "a b", "a\r\nX: y", "a/b", "user@a" };
	static const char *const prefixes[] = { "/", "api", "/api/", "/a/../b", "/a b", "/a?b" };
	struct request_provider p = provider;
	struct failure f = { 0 };
	size_t i;

	(void)state;
	request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		p.host = hosts[i];
		assert_int_equal(request_head_write(&reader.request, &p, out, sizeof(out), &out_n,
						    &f),
				 -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
	}
	p.host = "a";
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		p.prefix = prefixes[i];
		assert_int_equal(request_head_write(&reader.request, &p, out, sizeof(out), &out_n,
						    &f),
				 -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
	}
}

static void expect_secret(const struct request_secret *s, const char *value, const char *want)
{
	struct failure f = { 0 };
	size_t most, len = strlen(value);

	for (most = 0; most < strlen(want); most++) {
		memset(out, '#', sizeof(out));
		assert_int_equal(request_secret_write(s, value, len, out, most, &out_n, &f), -1);
		assert_int_equal(f.code, FAIL_TOO_LARGE);
		assert_int_equal(out[0], '#'); /* nothing of it was written */
	}
	assert_int_equal(request_secret_write(s, value, len, out, most, &out_n, &f), 0);
	assert_int_equal(out_n, most);
	assert_memory_equal(out, want, most);
}

static void refuse_secret(const char *name, const char *scheme, const char *value, size_t len)
{
	const struct request_secret s = { name, scheme };
	struct failure f = { 0 };

	memset(out, '#', sizeof(out));
	assert_int_equal(request_secret_write(&s, value, len, out, sizeof(out), &out_n, &f), -1);
	assert_int_equal(f.code, FAIL_BAD_VALUE);
	assert_int_equal(out[0], '#');
	assert_null(strstr(f.what, "canary"));
}

static void test_secret(void **state)
{
	const struct request_secret key = { "x-api-key", NULL };

	(void)state;
	expect_secret(&secrets[0], "sk-1", "authorization: Bearer sk-1\r\n");
	expect_secret(&secrets[1], "Bearer a b", "cf-aig-authorization: Bearer a b\r\n");
	expect_secret(&key, "k", "x-api-key: k\r\n");
	refuse_secret("x-api-key", NULL, "", 0);
	refuse_secret("x-api-key", NULL, "canary\r\nX: y", 12);
	refuse_secret("x-api-key", NULL, "canary\n", 7);
	refuse_secret("x-api-key", NULL, "canary\0y", 8);
	refuse_secret("x-api-key", NULL, " canary", 7);
	refuse_secret("x-api-key", NULL, "canary ", 7);
	refuse_secret("x-api-key", NULL, "canary\xc3\xa4", 8);
	refuse_secret("x-api-key", NULL, "canary\x7f", 7);
	refuse_secret("x-api-key", NULL, "canary\ty", 8);
	refuse_secret("x.api.key", NULL, "canary", 6);
	refuse_secret("accept", NULL, "canary", 6);
	refuse_secret("x api-key", NULL, "canary", 6);
	refuse_secret("", NULL, "canary", 6);
	refuse_secret("authorization", "Bear er", "canary", 6);
	refuse_secret("host", NULL, "canary", 6);
	refuse_secret("Content-Length", NULL, "canary", 6);
	refuse_secret("connection", NULL, "canary", 6);
	refuse_secret("x-original-url", NULL, "canary", 6);
}

static void test_fields(void **state)
{
	static const char *const dropped[] = {
		"Host",
		"Accept-Encoding",
		"Authorization",
		"AUTHORIZATION",
		"Proxy-Authorization",
		"X-Api-Key",
		"x_api_key",
		"Cookie",
		"Connection",
		"Content-Length",
		"HTTP2-Settings",
		"Keep-Alive",
		"Proxy-Anything",
		"proxy-connection",
		"TE",
		"Trailer",
		"Transfer-Encoding",
		"Upgrade",
		"X-HTTP-Method",
		"X-Method-Override",
		"X-Http-Method-Override",
		"X-Original-URL",
		"X-Rewrite-Url",
		"CF-AIG-Authorization",
		"x-one",
		"x-private",
		"X_Two",
		"X_Under",
		"Accept",
		"anthropic_version",
		"X-Stainless_Os",
		"x-portkey-custom-host",
		"x-portkey-config",
		"Helicone-Target-Url",
		"helicone-auth",
		"api-key",
		"x-goog-api-key",
		"x-litellm-api-key",
		"x-amz-security-token",
		"X-Forwarded-Host",
		"X-Forwarded-For",
		"Forwarded",
		"Range",
		"If-Range",
		"Content-Encoding",
		"Expect",
		"anthropic-versio",
		"anthropic-versions",
		"x-stainles",
		"x-claude-codes",
		"X-Api-Key-2",
		"x-on",
	};
	static const char *const passed[] = {
		"anthropic-version",
		"Anthropic-Beta",
		"anthropic-dangerous-direct-browser-access",
		"Content-Type",
		"User-Agent",
		"x-app",
		"x-stainless-os",
		"x-stainless-retry-count",
		"x-claude-code-session-id",
		"x-client-request-id",
		"X-Amzn-Bedrock-Service-Tier",
		"anthropic-workspace-id",
	};
	static const struct request_field_policy none = { 0 };
	const struct http_request *r =
		request("GET / HTTP/1.1\r\nHost: a\r\n"
			"Connection: X-One\r\nConnection: close , x-two\r\n\r\n");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (request_field_passes(r, http_view_of(dropped[i]), &provider.fields))
			fail_msg("%s passes", dropped[i]);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (!request_field_passes(r, http_view_of(passed[i]), &provider.fields))
			fail_msg("%s is dropped", passed[i]);
	assert_false(request_field_passes(r, http_view_of("x-private"), &none));
	assert_true(request_field_passes(r, http_view_of("x-app"), &none));
	assert_int_equal(request_field_kind(http_view_of("Cookie")), REQUEST_FIELD_CREDENTIAL);
	assert_int_equal(request_field_kind(http_view_of("proxy-authorization")),
			 REQUEST_FIELD_CREDENTIAL);
	assert_int_equal(request_field_kind(http_view_of("proxy-")), REQUEST_FIELD_HOP);
}

/* A field that else passes does not where Connection names it, however many there are. */
static void test_named_for_one_hop(void **state)
{
	static const struct request_field_policy none = { 0 };
	const struct http_request *r = request("GET / HTTP/1.1\r\nHost: a\r\n"
					       "X-Stainless-Os: user-agent\r\n"
					       "Connection: X-App\r\n"
					       "Connection: close , Anthropic-Beta\r\n\r\n");

	(void)state;
	assert_false(request_field_passes(r, http_view_of("x-app"), &none));
	assert_false(request_field_passes(r, http_view_of("anthropic-beta"), &none));
	assert_true(request_field_passes(r, http_view_of("user-agent"), &none));
	assert_true(request_field_passes(r, http_view_of("anthropic-version"), &none));
}

/* A file cannot add what the relay writes itself, what is a credential, what the client
 * says, what routes, or what no line can hold. */
static void test_added(void **state)
{
	static const struct request_added bad[] = {
		{ "host", "a" },
		{ "accept", "a" },
		{ "content-length", "1" },
		{ "transfer-encoding", "chunked" },
		{ "connection", "close" },
		{ "authorization", "Bearer x" },
		{ "x-api-key", "a" },
		{ "x-goog-api-key", "a" },
		{ "x-original-url", "a" },
		{ "range", "a" },
		{ "forwarded", "a" },
		{ "content-encoding", "a" },
		{ "anthropic-beta", "a" },
		{ "x-a_b", "a" },
		{ "", "a" },
		{ "x a", "a" },
		{ "x-a", "" },
		{ "x-a", " a" },
		{ "x-a", "a " },
		{ "x-a", "a\r\nx-b: c" },
		{ "x-a", "\xc3\xa4" },
	};
	static const struct request_added good = { "x-a", "a: b\"c" };
	struct request_provider p = { "a", "", { .added = bad, .added_count = 1 }, NULL };
	struct failure f = { 0 };
	size_t i;

	(void)state;
	request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(request_added_ok(&good));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (request_added_ok(&bad[i]))
			fail_msg("%s: %s can be added", bad[i].name, bad[i].value);
		p.fields.added = &bad[i];
		assert_int_equal(request_head_write(&reader.request, &p, out, sizeof(out), &out_n,
						    &f),
				 -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
	}
}

/* On the API's own list? */
static const struct request_route *route(enum request_api api, enum http_method method,
					 struct http_view path, struct http_view query)
{
	const struct request_route *list;
	size_t count;

	list = request_routes_of(api, &count);
	assert_null(request_route_find(list, 0, method, path, query));
	return request_route_find(list, count, method, path, query);
}

static void test_routes(void **state)
{
	static const struct {
		enum http_method method;
		const char *path;
		bool allowed;
	} rows[] = {
		{ HTTP_POST, "/v1/messages", true },
		{ HTTP_POST, "/v1/messages/count_tokens", true },
		{ HTTP_GET, "/v1/models", true },
		{ HTTP_GET, "/v1/models/claude-x", true },
		{ HTTP_GET, "/v1/models/a:b%5B1m%5D", true },
		{ HTTP_GET, "/v1/models/*", true }, /* a segment like others */
		{ HTTP_GET, "/v1/messages", false },
		{ HTTP_POST, "/v1/models", false },
		{ HTTP_POST, "/v1/models/claude-x", false },
		{ HTTP_POST, "/v1/messages/", false },
		{ HTTP_POST, "/v1/Messages", false },
		{ HTTP_POST, "/v1/messages/batches", false },
		{ HTTP_POST, "/v1/messages2", false },
		{ HTTP_POST, "/v1/message", false },
		{ HTTP_GET, "/v1/models/", false },
		{ HTTP_GET, "/v1/models/a/b", false },
		{ HTTP_GET, "/v1/models/a%2Fb", false },
		{ HTTP_GET, "/v1/models/a%2fb", false },
		{ HTTP_POST, "/model/a/invoke", false },
		{ HTTP_GET, "/v1/models/a/", false },
		{ HTTP_GET, "/v1/modelsx", false },
		{ HTTP_GET, "/", false },
		{ HTTP_GET, "/v1/organizations/me", false },
	};
	const struct http_view none = { NULL, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_view path = http_view_of(rows[i].path);

		if ((route(REQUEST_API_MESSAGES, rows[i].method, path, none) != NULL) !=
		    rows[i].allowed)
			fail_msg("%s", rows[i].path);
	}
}

static void test_queries(void **state)
{
	static const struct {
		enum http_method method;
		const char *target;
		bool allowed;
	} rows[] = {
		{ HTTP_POST, "/v1/messages", true },
		{ HTTP_POST, "/v1/messages?beta=true", true },
		{ HTTP_POST, "/v1/messages?", false },
		{ HTTP_POST, "/v1/messages?beta=tru", false },
		{ HTTP_POST, "/v1/messages?beta=true&", false },
		{ HTTP_POST, "/v1/messages?beta=true&key=x", false },
		{ HTTP_POST, "/v1/messages?Beta=true", false },
		{ HTTP_POST, "/v1/messages?bet%61=true", false },
		{ HTTP_POST, "/v1/messages?limit=1", false },
		{ HTTP_GET, "/v1/models", true },
		{ HTTP_GET, "/v1/models?limit=1000", true },
		{ HTTP_GET, "/v1/models?after_id=a-b.c_d~1", true },
		{ HTTP_GET, "/v1/models?limit=2&before_id=x&after_id=y", true },
		{ HTTP_GET, "/v1/models?", false },
		{ HTTP_GET, "/v1/models?limit", false },
		{ HTTP_GET, "/v1/models?limit=", false },
		{ HTTP_GET, "/v1/models?=1", false },
		{ HTTP_GET, "/v1/models?limit=1&", false },
		{ HTTP_GET, "/v1/models?&limit=1", false },
		{ HTTP_GET, "/v1/models?limit=1&&after_id=x", false },
		{ HTTP_GET, "/v1/models?limit=1&limit=2", false },
		{ HTTP_GET, "/v1/models?limit=1=2", false },
		{ HTTP_GET, "/v1/models?limit=1;after_id=x", false },
		{ HTTP_GET, "/v1/models?limit=%31", false },
		{ HTTP_GET, "/v1/models?limit=a+b", false },
		{ HTTP_GET, "/v1/models?limits=1", false },
		{ HTTP_GET, "/v1/models?key=x", false },
		{ HTTP_GET, "/v1/models?limit=1&key=x", false },
		{ HTTP_GET, "/v1/models?beta=true", false },
		{ HTTP_GET, "/v1/models/a", true },
		{ HTTP_GET, "/v1/models/a?limit=1", false },
	};
	struct http_view path, query;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(http_target_split(http_view_of(rows[i].target), &path, &query));
		if ((route(REQUEST_API_MESSAGES, rows[i].method, path, query) != NULL) !=
		    rows[i].allowed)
			fail_msg("%s", rows[i].target);
	}
}

static void test_models(void **state)
{
	static const struct {
		const char *target;
		const char *model; /* NULL: it does not pass */
		bool billed;
	} rows[] = {
		{ "/model/us.anthropic.claude-x-v1:0/invoke", "us.anthropic.claude-x-v1:0", true },
		{ "/model/claude-x-v1%3A0/invoke-with-response-stream", "claude-x-v1:0", true },
		{ "/model/a/converse", "a", true },
		{ "/model/a/converse-stream", "a", true },
		{ "/model/a/count-tokens", "a", false },
		{ "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123%3Ainference-profile%2Feu.x%3A0/"
		  "invoke",
		  "arn:aws:bedrock:eu-west-1:123:inference-profile/eu.x:0", true },
		{ "/model/a%2fb/invoke", "a/b", true },
		{ "/model/AZ.az_09-x/invoke", "AZ.az_09-x", true },
		{ "/model/a[b/invoke", NULL, false },
		{ "/model/a@b/invoke", NULL, false },
		{ "/model/a/b/invoke", NULL, false },
		{ "/model//invoke", NULL, false },
		{ "/model/invoke", NULL, false },
		{ "/model/a/invoke/", NULL, false },
		{ "/model/a/Invoke", NULL, false },
		{ "/model/a/invoke?a=b", NULL, false },
		{ "/model/a%20b/invoke", NULL, false },
		{ "/model/a@b/invoke", NULL, false },
		{ "/model/a%2F/invoke", NULL, false },
		{ "/model/%2Fa/invoke", NULL, false },
		{ "/model/a%2F%2Fb/invoke", NULL, false },
		{ "/model/a%2F../invoke", NULL, false },
		{ "/model/..%2Fa/invoke", NULL, false },
		{ "/model/a%2F.%2Fb/invoke", NULL, false },
		{ "/model/a/async-invoke", NULL, false },
		{ "/foundation-models", NULL, false },
		{ "/v1/messages", NULL, false },
	};
	const struct request_route *found;
	struct http_view path, query;
	char model[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		found = NULL;
		if (!http_target_split(http_view_of(rows[i].target), &path, &query))
			found = route(REQUEST_API_BEDROCK, HTTP_POST, path, query);
		if (!found != !rows[i].model)
			fail_msg("%s", rows[i].target);
		if (!found)
			continue;
		assert_int_equal(found->billed, rows[i].billed);
		assert_null(route(REQUEST_API_BEDROCK, HTTP_GET, path, query));
		request_route_model(found, path, model, sizeof(model));
		assert_string_equal(model, rows[i].model);
		request_route_model(found, path, model, 2);
		assert_int_equal(strlen(model), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_wrong_provider),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_named_for_one_hop),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
