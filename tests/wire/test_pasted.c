/*
 * tests/wire/test_pasted.c - keys as people paste them: understood, or refused with what
 * is wrong, and never quoted in a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "wire/names.h"
#include "wire/pasted.h"

#define KEY "sk-ant-api03-Q7x_9Zk"
#define V "ANTHROPIC_AUTH_TOKEN"

struct paste {
	const char *text, *around; /* around NULL: refused */
	const char *key;	   /* NULL: KEY; for a refusal, words of the message */
	const char *carrier;
};

static const struct paste pastes[] = {
	/* as it is */
	{ KEY, "", NULL, V },
	{ "  " KEY "\t \r", "", NULL, V },
	{ KEY "\r\n\r\n", "", NULL, V },
	{ "ghp=abcdefgh12345678==", "", "ghp=abcdefgh12345678==", V },
	{ "QUJDREVGR0hJSktM==", "", "QUJDREVGR0hJSktM==", V },
	{ "ABCD_EFGH1234=", "", "ABCD_EFGH1234=", V },
	{ "12345678:abcdefgh", "", "12345678:abcdefgh", V },
	{ "USER_A:abcdefgh", "", "USER_A:abcdefgh", V },
	{ "a.b.c-d_e+f/g==", "", "a.b.c-d_e+f/g==", V },
	{ "{\"type\":\"x\",\"key\":\"a=b\"}", "", "{\"type\":\"x\",\"key\":\"a=b\"}", V },
	{ "set-by-hand-12", "", "set-by-hand-12", V },
	{ "setx12345678", "", "setx12345678", V },
	/* quotes */
	{ "\"" KEY "\"", "quotes", NULL, V },
	{ "'" KEY "'", "quotes", NULL, V },
	{ "`" KEY "`", "quotes", NULL, V },
	{ " \" " KEY " \" ", "quotes", NULL, V },
	{ "\u201c" KEY "\u201d", "quotes", NULL, V },
	{ "\u2018" KEY "\u2019", "quotes", NULL, V },
	{ "\u201e" KEY "\u201c", "quotes", NULL, V },
	{ "\"" KEY "\",", "quotes", NULL, V },
	{ "'\"" KEY "\"'", "quotes", NULL, V },
	/* lines of files and shells */
	{ "ANTHROPIC_AUTH_TOKEN=" KEY, "an assignment", NULL, V },
	{ "ANTHROPIC_AUTH_TOKEN = \"" KEY "\"", "quotes, an assignment", NULL, V },
	{ "export ZAI_API_KEY='" KEY "'", "quotes, an assignment", NULL, V },
	{ "  export  my_key=" KEY " ", "an assignment", NULL, V },
	{ "set ZAI_API_KEY=" KEY, "an assignment", NULL, V },
	{ "setx ZAI_API_KEY \"" KEY "\"", "quotes, an assignment", NULL, V },
	{ "set -gx ZAI_API_KEY " KEY, "an assignment", NULL, V },
	{ "$env:ZAI_API_KEY = \"" KEY "\"", "quotes, an assignment", NULL, V },
	{ "Environment=ZAI_API_KEY=" KEY, "an assignment", NULL, V },
	{ "\"ANTHROPIC_AUTH_TOKEN\": \"" KEY "\",", "quotes, an assignment", NULL, V },
	{ "\"apiKey\":\"" KEY "\"", "quotes, an assignment", NULL, V },
	{ "'key': '" KEY "',", "quotes, an assignment", NULL, V },
	{ "ZAI_API_KEY: " KEY, "an assignment", NULL, V },
	{ "export KEY=\"Bearer " KEY "\"", "quotes, an assignment, a header's name", NULL, V },
	/* headers */
	{ "Bearer " KEY, "a header's name", NULL, V },
	{ "bearer   " KEY, "a header's name", NULL, V },
	{ "Authorization: Bearer " KEY, "a header's name", NULL, V },
	{ "x-api-key: " KEY, "a header's name", NULL, V },
	{ "X-Api-Key:" KEY, "a header's name", NULL, V },
	{ "-H \"x-api-key: " KEY "\"", "quotes, a header's name", NULL, V },
	{ "--header 'Authorization: Bearer " KEY "'", "quotes, a header's name", NULL, V },
	/* what does not show */
	{ KEY "\u200b", "invisible characters", NULL, V },
	{ "\ufeff" KEY, "invisible characters", NULL, V },
	{ "\u00a0" KEY "\u00a0", "invisible characters", NULL, V },
	{ "\u3000" KEY "\u2028", "invisible characters", NULL, V },
	{ "\ufeffexport X_KEY=\"" KEY "\u200b\"\r", "quotes, an assignment, invisible characters",
	  NULL, V },
	/* a header of a gateway's own has what it has */
	{ "Session_Token=abcdefgh", "", "Session_Token=abcdefgh", "header:cookie" },
	{ "SESSION=abcdefgh", "", "SESSION=abcdefgh", "header:cookie" },
	{ "\"" KEY "\"", "quotes", NULL, "header:cf-aig-authorization" },
	{ "CF-AIG-Authorization: " KEY, "a header's name", NULL, "header:cf-aig-authorization" },
	{ "Bearer " KEY, NULL, "blank", "header:cf-aig-authorization" },
	/* refused */
	{ "", NULL, "empty", V },
	{ "\"\"", NULL, "empty", V },
	{ "export ZAI_API_KEY=", NULL, "blank", V },
	{ "\"" KEY, NULL, "one quote", V },
	{ KEY "'", NULL, "one quote", V },
	{ "\u201c" KEY, NULL, "one quote", V },
	{ "$ZAI_API_KEY", NULL, "variable", V },
	{ "export ANTHROPIC_AUTH_TOKEN=${ZAI_API_KEY}", NULL, "variable", V },
	{ "\"$(pass show zai)\"", NULL, "variable", V },
	{ "<your-api-key>", NULL, "placeholder", V },
	{ "sk-ant-...wXyZ", NULL, "shortened", V },
	{ "sk-ant-\u2026wXyZ", NULL, "shortened", V },
	{ "sk-********wXyZ", NULL, "shortened", V },
	{ "op://vault/item/field", NULL, "an address", V },
	{ "https://console.example.com/keys", NULL, "an address", V },
	{ "sk-ant-\u200bapi03-Q7x_9Zk", NULL, "number 8 (U+200B)", V },
	{ "sk-ant-\u00a0api03-Q7x_9Zk", NULL, "number 8 (U+00A0)", V },
	{ "sk-ant-api03\n-Q7x_9Zk", NULL, "line break at byte 13", V },
	{ "sk-ant-api03 -Q7x_9Zk", NULL, "blank at character 13", V },
	{ "{ \"type\": \"service_account\" }", NULL, "file of JSON", V },
	{ "sk-ant-\u00fcbcdefgh", NULL, "no HTTP header", V },
	{ "sk-ant-\xff\xfe"
	  "abcdefgh",
	  NULL, "no HTTP header", V },
};

static void test_pastes(void **state)
{
	char around[PASTED_AROUND];
	const struct paste *t;
	struct failure f;
	struct pasted k;
	uint8_t *exact;
	const char *key;
	size_t i, n;
	int r;

	(void)state;
	for (i = 0; i < sizeof(pastes) / sizeof(pastes[0]); i++) {
		t = &pastes[i];
		n = strlen(t->text);
		exact = malloc(n ? n : 1);
		memcpy(exact, t->text, n);
		f = (struct failure){ 0 };
		r = pasted_find(&k, exact, n, t->carrier, &f);
		if (r == 0)
			r = wire_token_check(k.p, k.n, &f);
		if ((r == 0) != (t->around != NULL))
			fail_msg("%s: %s", t->text, f.what);
		if (r == 0) {
			key = t->key ? t->key : KEY;
			pasted_around(&k, around);
			if (k.n != strlen(key) || memcmp(k.p, key, k.n) != 0 ||
			    strcmp(around, t->around) != 0)
				fail_msg("%s: '%.*s', %s", t->text, (int)k.n, k.p, around);
		} else {
			if (!strstr(f.what, t->key))
				fail_msg("%s: %s", t->text, f.what);
			assert_null(strstr(f.what, "Q7x"));
			assert_null(strstr(f.hint, "Q7x"));
			assert_null(strstr(f.what, "wXyZ"));
		}
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pastes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
