/*
 * tests/wire/test_endpoint.c - addresses as vendors' pages print them: corrected, or
 * refused with the mend; and what was sealed before they were corrected.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/endpoint.h"

#define V1 ENDPOINT_V1
#define MESSAGES ENDPOINT_MESSAGES
#define CASE ENDPOINT_CASE
#define PLAIN "https://api.example.com/anthropic"

struct address {
	const char *text, *right; /* right NULL: refused */
	unsigned changed;
	const char *mend; /* of a refusal; NULL: none */
};

static const struct address addresses[] = {
	{ PLAIN, PLAIN, 0, NULL },
	{ PLAIN "/", PLAIN, 0, NULL },
	{ PLAIN "///", PLAIN, 0, NULL },
	{ PLAIN "/v1", PLAIN, V1, NULL },
	{ PLAIN "/v1/", PLAIN, V1, NULL },
	{ PLAIN "/v1/messages", PLAIN, MESSAGES, NULL },
	{ PLAIN "/v1/messages/", PLAIN, MESSAGES, NULL },
	{ PLAIN "/v1/messages/count_tokens", PLAIN, MESSAGES, NULL },
	{ PLAIN "/v1/messages//v1", PLAIN, MESSAGES | V1, NULL },
	{ "https://api.example.com/v1", "https://api.example.com", V1, NULL },
	{ "HTTPS://API.Example.COM/Anthropic/v1", "https://api.example.com/Anthropic", V1 | CASE,
	  NULL },
	{ "Http://LocalHost:11434/", "http://localhost:11434", CASE, NULL },
	{ "https://api.example.com:8443/v1/", "https://api.example.com:8443", V1, NULL },
	{ "https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x", CASE, NULL },
	{ "https://xn--bcher-kva.example/v1", "https://xn--bcher-kva.example", V1, NULL },
	{ "https://h/v1beta", "https://h/v1beta", 0, NULL },
	{ "https://h/messages", "https://h/messages", 0, NULL },
	{ "https://v1", "https://v1", 0, NULL },
	{ "api.example.com/anthropic", NULL, 0, "https:// before it" },
	{ "localhost:11434", NULL, 0, "http:// for a server" },
	{ "//api.example.com", NULL, 0, "https:// before it" },
	{ "https:/api.example.com", NULL, 0, "https:// before it" },
	{ "ftp://api.example.com", NULL, 0, "https:// before it" },
	{ "", NULL, 0, "https:// before it" },
	{ "https://", NULL, 0, NULL },
	{ "https://user:Secret@api.example.com/", NULL, 0, "without USER:PASSWORD@" },
	{ "https://api.example.com@evil.example", NULL, 0, "without USER:PASSWORD@" },
	{ "https://api.example.com/v1?beta=true", NULL, 0, "up to the ?" },
	{ "https://api.example.com?x", NULL, 0, "up to the ?" },
	{ "https://api.example.com/#top", NULL, 0, "up to the ?" },
	{ "https://b\u00fccher.example/v1", NULL, 0, "xn-- form" },
	{ "https://<resource>.example.com/x", NULL, 0, "placeholder" },
	{ "https://{resource}.example.com/x", NULL, 0, "placeholder" },
	{ "https://api.example.com/[id]", NULL, 0, "placeholder" },
	{ "https://api. example.com", NULL, 0, "without blanks" },
	{ "https://api.example.com/a b", NULL, 0, "without blanks" },
	{ "https://api.example.com/a%20b", NULL, 0, "without % escapes" },
	{ "https://api.example.com:port/", NULL, 0, NULL },
	{ "https://api.example.com/../x", NULL, 0, NULL },
};

static void test_addresses(void **state)
{
	const struct address *a;
	const char *why, *mend;
	struct endpoint e;
	char url[256];
	unsigned changed;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		a = &addresses[i];
		snprintf(url, sizeof(url), "%s", a->text);
		changed = endpoint_correct(url, true);
		why = endpoint_parse(url, &e);
		if (!why != (a->right != NULL))
			fail_msg("%s: %s", a->text, why ? why : "taken");
		if (!why && (strcmp(url, a->right) != 0 || changed != a->changed))
			fail_msg("%s: %s, %u", a->text, url, changed);
		mend = why ? endpoint_mend(url) : NULL;
		if (why && (!mend != !a->mend || (mend && !strstr(mend, a->mend))))
			fail_msg("%s: %s", a->text, mend ? mend : "no mend");
		/* A second time there is nothing left to correct. */
		assert_int_equal(endpoint_correct(url, true), 0);
	}
}

/* Where the client adds no /v1, and where parameters are not known yet. */
static void test_kept(void **state)
{
	static const char *const urls[][2] = {
		{ "https://H.example/v1/", "https://h.example/v1" },
		{ "https://h.example/v1/messages", "https://h.example/v1/messages" },
		{ "https://A.${Region}.Example/${Path}/", "https://a.${Region}.example/${Path}" },
		{ "${Url}", "${Url}" },
		{ "not an address", "not an address" },
	};
	char url[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		snprintf(url, sizeof(url), "%s", urls[i][0]);
		endpoint_correct(url, false);
		assert_string_equal(url, urls[i][1]);
	}
}

/* Names of this machine by RFC 6761, and what only looks like one. */
static void test_localhost(void **state)
{
	static const char *const here[] = { "localhost", "LocalHost", "localhost.", "gw.localhost",
					    "a.b.LOCALHOST." };
	static const char *const elsewhere[] = {
		"localhost.example", "xlocalhost", "localhost.x", "gw-localhost", "localhos",
		"local.host",	     "",	   ".",		  "localhost6",	  "example.",
	};
	struct endpoint e;
	char url[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		snprintf(url, sizeof(url), "http://%s:1/x", here[i]);
		if (!endpoint_host_is_localhost(here[i]) || endpoint_parse(url, &e) || !e.local)
			fail_msg("%s is not local", here[i]);
	}
	for (i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		snprintf(url, sizeof(url), "http://%s:1/x", elsewhere[i]);
		if (endpoint_host_is_localhost(elsewhere[i]) ||
		    (!endpoint_parse(url, &e) && e.local))
			fail_msg("%s is local", elsewhere[i]);
	}
}

/* Names that are asked for by multicast DNS. */
static void test_mdns(void **state)
{
	(void)state;
	assert_true(endpoint_host_is_mdns("gpu.local"));
	assert_true(endpoint_host_is_mdns("a.GPU.LOCAL."));
	assert_false(endpoint_host_is_mdns("gpu.local.example"));
	assert_false(endpoint_host_is_mdns("gpu-local"));
	assert_false(endpoint_host_is_mdns("gpu.localhost"));
	assert_false(endpoint_host_is_mdns("192.168.1.2"));
}

static void test_other_api(void **state)
{
	(void)state;
	assert_non_null(endpoint_other_api("https://h/v1/chat/completions"));
	assert_non_null(endpoint_other_api("https://h/v1/responses/"));
	assert_null(endpoint_other_api(PLAIN));
	assert_null(endpoint_other_api("https://completions.example"));
}

static void test_origins(void **state)
{
	/* sealed, asked for */
	static const char *const same[][2] = {
		{ "bearer https://h.example/x", "bearer https://h.example/x" },
		{ "bearer https://H.Example/x", "bearer https://h.example/x" },
		{ "bearer https://h.example/x/v1/messages", "bearer https://h.example/x" },
		{ "vertex https://H.example/v1", "vertex https://h.example/v1" },
		{ "bearer https://H.Example/x", "bearer https://H.Example/x" },
		{ "unbound", "unbound" },
	};
	static const char *const other[][2] = {
		{ "bearer https://h.example/x", "api-key https://h.example/x" },
		{ "bearer https://h.example/x", "bearer https://H.example/x" },
		{ "bearer https://h.example/x", "bearer https://h.example/x/" },
		{ "bearer https://h.example/x", "bearer https://h.example/x/v1/messages" },
		{ "bearer https://h.example/x", "bearer https://h.example/X" },
		{ "bearer https://h.example/x", "bearer http://h.example/x" },
		{ "bearer https://h.example/x", "bearer https://h.example:8443/x" },
		{ "bearer https://h.example/x", "bearer https://h.example/x/v2" },
		{ "bearer https://h.example", "bearer https://h.example.evil" },
		{ "bearer https://u:P@h.example", "bearer https://u:p@h.example" },
		{ "vertex https://h.example/v1", "vertex https://h.example" },
		{ "bedrock https://h.example/v1", "bedrock https://h.example" },
		{ "Bearer https://h.example", "bearer https://h.example" },
		{ "unbound", "bearer https://h.example" },
	};
	char longest[2][600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_true(origin_is_sealed(same[i][0], same[i][1]));
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (origin_is_sealed(other[i][0], other[i][1]))
			fail_msg("%s, %s", other[i][0], other[i][1]);
	memset(longest, 'a', sizeof(longest));
	longest[0][599] = longest[1][599] = '\0';
	longest[1][0] = 'b';
	assert_false(origin_is_sealed(longest[0], longest[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_kept),
		cmocka_unit_test(test_localhost), cmocka_unit_test(test_other_api),
		cmocka_unit_test(test_mdns),	  cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
