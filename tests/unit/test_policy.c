/*
 * tests/unit/test_policy.c - the broker's decision, over every combination of
 * what was sealed and what is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fail.h"
#include "broker/policy.h"
#include "secure/vault.h"

#define ORIGIN "bearer https://api.example.test"
#define VARIABLE "ANTHROPIC_AUTH_TOKEN"

static struct entry sealed(const char *policy)
{
	struct entry e = { .name = "zai", .origin = ORIGIN, .variable = VARIABLE };

	snprintf(e.policy, sizeof(e.policy), "%s", policy);
	return e;
}

static struct policy_request asked(void)
{
	return (struct policy_request){ .origin = ORIGIN, .variable = VARIABLE,
					.delivery = DELIVERY_PRELOAD };
}

/* The decision's code; *strict as it comes out. */
static enum fail_code decide(const struct entry *e, const struct policy_request *q, bool *strict)
{
	struct failure f = { 0 };
	bool s = false;
	int r = policy_decide(e, q, &s, &f);

	if (strict)
		*strict = s;
	if (r == 0)
		return FAIL_NONE;
	assert_int_not_equal(f.code, FAIL_NONE);
	assert_int_not_equal(f.what[0], '\0');
	return f.code;
}

/* What the contract says, written down once more. */
static enum fail_code expected(const struct policy *p, const struct policy_request *q)
{
	static const bool allows[4][4] = {
		/* asked:             preload auto   pipe   env */
		[DELIVERY_PRELOAD] = { true, false, false, false },
		[DELIVERY_AUTO] = { true, false, true, false },
		[DELIVERY_PIPE] = { true, false, true, false },
		[DELIVERY_ENV] = { true, false, true, true },
	};

	if (q->marked && !p->nested)
		return FAIL_MARKED;
	if (!allows[p->delivery][q->delivery])
		return FAIL_POLICY;
	if ((p->strict || q->strict) && q->delivery != DELIVERY_PRELOAD)
		return FAIL_POLICY;
	return FAIL_NONE;
}

static void test_every_combination(void **state)
{
	char text[POLICY_MAX_LEN + 1];
	struct policy_request q = asked();
	struct policy p;
	struct entry e;
	bool strict;
	int i;

	(void)state;
	for (i = 0; i < 4 * 2 * 2 * 2 * 4 * 2 * 2; i++) {
		p.delivery = (enum delivery)(i & 3);
		p.nested = i & 4;
		p.strict = i & 8;
		p.exposed = i & 16;
		q.delivery = (enum delivery)(i >> 5 & 3);
		q.strict = i & 128;
		q.marked = i & 256;
		policy_format(&p, text, sizeof(text));
		e = sealed(text);
		assert_int_equal(decide(&e, &q, &strict), expected(&p, &q));
		if (expected(&p, &q) == FAIL_NONE)
			assert_int_equal(strict, p.strict || q.strict);
	}
}

static void test_strict_only_grows(void **state)
{
	struct policy_request q = asked();
	struct entry e = sealed("strict=no");
	bool strict = true;

	(void)state;
	assert_int_equal(policy_decide(&e, &q, &strict, NULL), 0);
	assert_true(strict);
}

static void test_origin_and_variable(void **state)
{
	static const char *const origins[] = { "", ORIGIN "/", ORIGIN " ", "Bearer https://api.example.test",
					       "bearer https://api.example.tes" };
	struct entry e = sealed("nested=allow delivery=env exposed=yes");
	struct policy_request q = asked();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		q.origin = origins[i];
		assert_int_equal(decide(&e, &q, NULL), FAIL_ORIGIN);
	}
	q = asked();
	q.variable = "ANTHROPIC_API_KEY";
	assert_int_equal(decide(&e, &q, NULL), FAIL_ORIGIN);
	/* A marked requester does not learn that it also differs. */
	e = sealed("");
	q.marked = true;
	assert_int_equal(decide(&e, &q, NULL), FAIL_MARKED);
}

/* A long origin still leaves a message with a hint. */
static void test_long_origins(void **state)
{
	struct policy_request q = asked();
	struct entry e = sealed("");
	char other[ORIGIN_MAX_LEN + 1];
	struct failure f = { 0 };
	bool strict = false;

	(void)state;
	memset(e.origin, 'o', ORIGIN_MAX_LEN);
	e.origin[ORIGIN_MAX_LEN] = '\0';
	memset(other, 'p', ORIGIN_MAX_LEN);
	other[ORIGIN_MAX_LEN] = '\0';
	q.origin = other;
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_int_equal(f.code, FAIL_ORIGIN);
	assert_non_null(strstr(f.what, "ooo"));
	assert_non_null(strstr(f.what, "ppp"));
	assert_string_equal(f.hint, "if you changed that yourself: ccctl approve zai");
}

static void test_what_is_not_understood(void **state)
{
	static const char *const bad[] = { "colour=red", "nested=maybe", "delivery=relay", "nested",
					   "nested=allow nested", "=" };
	struct policy_request q = asked();
	struct entry e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = sealed(bad[i]);
		assert_int_equal(decide(&e, &q, NULL), FAIL_BAD_VALUE);
	}
}

static int check_variable(const char *variable, const char *policy, struct failure *f)
{
	struct entry e = sealed(policy);

	snprintf(e.variable, sizeof(e.variable), "%s", variable);
	return policy_check_entry(&e, f);
}

static void test_variables(void **state)
{
	static const char *const never[] = { "LD_PRELOAD", "PATH", "HOME", "NODE_OPTIONS", "BUN_OPTIONS",
					     "CCRUN_PROVIDER", "GIT_SSH", "BASH_ENV", "SHELL", "IFS",
					     "XDG_CONFIG_HOME", "ENV", "PWD", "TMPDIR" };
	static const char *const blanked[] = { "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY",
					       "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_FOUNDRY_API_KEY",
					       "CLAUDE_CODE_OAUTH_TOKEN" };
	struct failure f = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		assert_int_equal(check_variable(never[i], "exposed=yes", &f), -1);
		assert_int_equal(f.code, FAIL_POLICY);
		assert_false(policy_blanked(never[i]));
	}
	for (i = 0; i < sizeof(blanked) / sizeof(blanked[0]); i++) {
		assert_int_equal(check_variable(blanked[i], "", &f), 0);
		assert_true(policy_blanked(blanked[i]));
	}
	assert_int_equal(check_variable("AWS_SECRET_ACCESS_KEY", "", &f), -1);
	assert_int_equal(f.code, FAIL_POLICY);
	assert_non_null(strstr(f.hint, "exposed"));
	assert_int_equal(check_variable("AWS_SECRET_ACCESS_KEY", "exposed=yes", &f), 0);
	assert_false(policy_blanked("ANTHROPIC_AUTH_TOKEN2"));
}

/* An entry that was sealed by a program that knew less is refused now, too. */
static void test_a_dangerous_entry_is_not_delivered(void **state)
{
	struct entry e = sealed("exposed=yes delivery=env");
	struct policy_request q = asked();

	(void)state;
	strcpy(e.variable, "LD_PRELOAD");
	q.variable = "LD_PRELOAD";
	assert_int_equal(decide(&e, &q, NULL), FAIL_POLICY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_strict_only_grows),
		cmocka_unit_test(test_origin_and_variable),
		cmocka_unit_test(test_long_origins),
		cmocka_unit_test(test_what_is_not_understood),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_a_dangerous_entry_is_not_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
