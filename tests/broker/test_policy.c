/*
 * tests/broker/test_policy.c - the broker's decision, over every combination of
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
#include "vault/entry.h"

#define ORIGIN "bearer https://api.example.test"
#define VARIABLE "ANTHROPIC_AUTH_TOKEN"
#define DELIVERIES 5

static struct entry sealed(const char *policy)
{
	struct entry e = { .name = "zai", .origin = ORIGIN, .variable = VARIABLE };

	snprintf(e.policy, sizeof(e.policy), "%s", policy);
	return e;
}

static struct policy_request asked(void)
{
	return (struct policy_request){ .origin = ORIGIN,
					.variable = VARIABLE,
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
	static const bool allows[DELIVERIES][DELIVERIES] = {
		/* asked:             relay preload auto   pipe   env */
		[DELIVERY_RELAY] = { true, false, false, false, false },
		[DELIVERY_PRELOAD] = { true, true, false, false, false },
		[DELIVERY_AUTO] = { true, true, false, true, false },
		[DELIVERY_PIPE] = { true, true, false, true, false },
		[DELIVERY_ENV] = { true, true, false, true, true },
	};

	if (q->marked && p->nested != NESTED_ALLOW &&
	    !(p->nested == NESTED_USE && q->ticket && q->delivery == DELIVERY_RELAY))
		return FAIL_MARKED;
	if (!allows[p->delivery][q->delivery])
		return FAIL_POLICY;
	if ((p->strict || q->strict) && q->delivery != DELIVERY_RELAY &&
	    q->delivery != DELIVERY_PRELOAD)
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
	policy_default(&p);
	for (i = 0; i < 3 * 32 * DELIVERIES * DELIVERIES; i++) {
		p.nested = (enum nested)(i / 32 / DELIVERIES / DELIVERIES);
		q.ticket = i & 1;
		p.strict = i & 2;
		p.exposed = i & 4;
		q.strict = i & 8;
		q.marked = i & 16;
		p.delivery = (enum delivery)(i / 32 % DELIVERIES);
		q.delivery = (enum delivery)(i / 32 / DELIVERIES % DELIVERIES);
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
	static const char *const origins[] = { "", ORIGIN "/", ORIGIN " ",
					       "Bearer https://api.example.test",
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

/* The word that a key of no provider is sealed for is no secret: to ask by it gives nothing. */
static void test_a_key_of_no_provider(void **state)
{
	static const char *const words[] = {
		"unbound", "unbound ", " ", " unbound", "", "bearer", "https://api.example.test"
	};
	struct entry e = sealed("nested=allow delivery=env exposed=yes");
	struct policy_request q = asked();
	struct failure f = { 0 };
	bool strict = false;
	struct policy p;
	size_t i;
	int d;

	(void)state;
	assert_int_equal(policy_parse(&p, e.policy, NULL), 0);
	assert_true(policy_is_readable(&e, &p));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(e.origin, sizeof(e.origin), "%s", words[i]);
		q.origin = words[i];
		for (d = 0; d < DELIVERIES; d++) {
			q.delivery = (enum delivery)d;
			assert_int_equal(decide(&e, &q, NULL), FAIL_ORIGIN);
		}
		assert_false(policy_is_readable(&e, &p));
		assert_int_equal(policy_check_bound(&e, NULL), -1);
	}
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_non_null(strstr(f.what, "belongs to no provider yet"));
	assert_string_equal(f.hint,
			    "name it in a provider's file (secret = zai), then: ccctl approve zai");
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
	static const char *const bad[] = { "colour=red", "nested=maybe",	"delivery=Relay",
					   "nested",	 "nested=allow nested", "=" };
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

/* A pipe carries a key that the client sends as x-api-key, and nothing else. */
static void test_header_by_no_pipe(void **state)
{
	struct entry e = sealed("delivery=env");
	struct policy_request q = asked();
	int d;

	(void)state;
	strcpy(e.variable, "header:cf-aig-authorization:Bearer");
	q.variable = e.variable;
	for (d = 0; d < DELIVERIES; d++) {
		q.delivery = (enum delivery)d;
		assert_int_equal(decide(&e, &q, NULL), d == DELIVERY_PIPE || d == DELIVERY_AUTO
							       ? FAIL_POLICY
							       : FAIL_NONE);
	}
}

/* What reaches the client's process can be used without anybody counting. */
static void test_limit_by_relay_alone(void **state)
{
	struct entry e = sealed("delivery=env limit=5M/day");
	struct policy_request q = asked();
	int d;

	(void)state;
	for (d = 0; d < DELIVERIES; d++) {
		q.delivery = (enum delivery)d;
		assert_int_equal(decide(&e, &q, NULL),
				 d == DELIVERY_RELAY ? FAIL_NONE : FAIL_POLICY);
	}
}

static void test_variables(void **state)
{
	static const char *const never[] = {
		"LD_PRELOAD",	   "PATH",    "HOME",	  "NODE_OPTIONS", "BUN_OPTIONS",
		"CCRUN_PROVIDER",  "GIT_SSH", "BASH_ENV", "SHELL",	  "IFS",
		"XDG_CONFIG_HOME", "ENV",     "PWD",	  "TMPDIR"
	};
	static const char *const blanked[] = { "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY",
					       "AWS_BEARER_TOKEN_BEDROCK",
					       "ANTHROPIC_FOUNDRY_API_KEY",
					       "CLAUDE_CODE_OAUTH_TOKEN" };
	struct failure f = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		assert_int_equal(check_variable(never[i], "exposed=yes", &f), -1);
		assert_int_equal(f.code, FAIL_POLICY);
		assert_false(policy_client_blanks(never[i]));
	}
	for (i = 0; i < sizeof(blanked) / sizeof(blanked[0]); i++) {
		assert_int_equal(check_variable(blanked[i], "", &f), 0);
		assert_true(policy_client_blanks(blanked[i]));
	}
	assert_int_equal(check_variable("AWS_SECRET_ACCESS_KEY", "", &f), -1);
	assert_int_equal(f.code, FAIL_POLICY);
	assert_non_null(strstr(f.hint, "exposed"));
	assert_int_equal(check_variable("AWS_SECRET_ACCESS_KEY", "exposed=yes", &f), 0);
	assert_false(policy_client_blanks("ANTHROPIC_AUTH_TOKEN2"));
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

static bool same(const struct policy *a, const struct policy *b)
{
	char limit_a[LIMIT_TEXT], limit_b[LIMIT_TEXT];

	limit_format(&a->limit, limit_a);
	limit_format(&b->limit, limit_b);
	return strcmp(limit_a, limit_b) == 0 && a->delivery == b->delivery &&
	       a->nested == b->nested && a->strict == b->strict && a->exposed == b->exposed &&
	       a->keep == b->keep && a->ttl == b->ttl && a->linger == b->linger &&
	       a->confine == b->confine && strcmp(a->config_dir, b->config_dir) == 0 &&
	       strcmp(a->env, b->env) == 0 && strcmp(a->ca, b->ca) == 0 &&
	       strcmp(a->prices, b->prices) == 0 && a->confirm == b->confirm;
}

/* ---- how long it stays in memory ---- */

/* Entries that were sealed before keep and ttl existed have the text they had. */
static void test_keep_and_ttl_text(void **state)
{
	static const struct {
		const char *in, *canonical;
		bool keep;
		uint64_t ttl;
	} table[] = {
		{ "", "delivery=auto nested=deny strict=no exposed=no", false, 0 },
		{ "keep=no ttl=0", "delivery=auto nested=deny strict=no exposed=no", false, 0 },
		{ "keep=yes", "delivery=auto nested=deny strict=no exposed=no keep=yes", true, 0 },
		{ "ttl=1h delivery=env", "delivery=env nested=deny strict=no exposed=no ttl=3600",
		  false, 3600 },
		{ "ttl=90 keep=yes",
		  "delivery=auto nested=deny strict=no exposed=no keep=yes ttl=90", true, 90 },
		{ "ttl=7d", "delivery=auto nested=deny strict=no exposed=no ttl=604800", false,
		  604800 },
		{ "ttl=366d", "delivery=auto nested=deny strict=no exposed=no ttl=31622400", false,
		  TTL_MAX },
		{ "keep=yes keep=no ttl=5 ttl=0s", "delivery=auto nested=deny strict=no exposed=no",
		  false, 0 },
	};
	static const char *const bad[] = { "keep=maybe",     "keep=",	 "keep",     "ttl=",
					   "ttl=x",	     "ttl=-1",	 "ttl=367d", "ttl=31622401",
					   "ttl=999999999d", "ttl=1.5h", "Keep=yes" };
	char text[POLICY_MAX_LEN + 1];
	struct policy p, q;
	struct failure f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(policy_parse(&p, table[i].in, NULL), 0);
		assert_int_equal(p.keep, table[i].keep);
		assert_true(p.ttl == table[i].ttl);
		policy_format(&p, text, sizeof(text));
		assert_string_equal(text, table[i].canonical);
		assert_int_equal(policy_parse(&q, text, NULL), 0);
		assert_true(same(&p, &q));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.code = FAIL_NONE;
		assert_int_equal(policy_parse(&p, bad[i], &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
	}
	/* the longest text there is */
	p = (struct policy){ .delivery = DELIVERY_PRELOAD,
			     .nested = NESTED_ALLOW,
			     .strict = true,
			     .exposed = true,
			     .keep = true,
			     .ttl = TTL_MAX,
			     .linger = TTL_MAX,
			     .confine = CONFINE_OFF,
			     .confirm = CONFIRM_SESSION };
	assert_int_equal(limit_parse(&p.limit,
				     "999999999k/month $999999.999999/month 999999999/month", NULL),
			 0);
	memset(p.env, 'e', SEAL_DIGEST_HEX);
	memset(p.ca, 'c', SEAL_DIGEST_HEX);
	memset(p.prices, 'd', SEAL_DIGEST_HEX);
	memset(p.config_dir, 'a', CONFIG_DIR_MAX);
	p.config_dir[0] = '/';
	policy_format(&p, text, sizeof(text));
	assert_true(strlen(text) < POLICY_MAX_LEN);
	assert_true(strlen(text) > 256);
	assert_int_equal(policy_parse(&q, text, NULL), 0);
	assert_true(same(&p, &q));
}

static void test_confirm_text(void **state)
{
	static const struct {
		const char *in, *out;
		enum confirm confirm;
	} table[] = {
		{ "", "", CONFIRM_NO },
		{ "confirm=no", "", CONFIRM_NO },
		{ "confirm=first", " confirm=first", CONFIRM_FIRST },
		{ "confirm=session", " confirm=session", CONFIRM_SESSION },
		{ "confirm=session confirm=first", " confirm=first", CONFIRM_FIRST },
	};
	static const char *const bad[] = { "confirm=", "confirm=yes", "confirm=off",
					   "confirm=Session", "confirm" };
	char text[POLICY_MAX_LEN + 1];
	struct policy p;
	size_t i;

	(void)state;
	assert_true(CONFIRM_NO < CONFIRM_FIRST && CONFIRM_FIRST < CONFIRM_SESSION);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(policy_parse(&p, table[i].in, NULL), 0);
		assert_int_equal(p.confirm, table[i].confirm);
		policy_format(&p, text, sizeof(text));
		assert_string_equal(text + strlen("delivery=auto nested=deny strict=no exposed=no"),
				    table[i].out);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(policy_parse(&p, bad[i], NULL), -1);
}

/* A worker shows no yes. */
static void test_who_may_read_without_a_session(void **state)
{
	struct entry e = sealed("");
	struct policy p;

	(void)state;
	assert_int_equal(policy_parse(&p, "", NULL), 0);
	assert_true(policy_is_readable(&e, &p));
	for (p.confirm = CONFIRM_FIRST; p.confirm <= CONFIRM_SESSION; p.confirm++)
		assert_false(policy_is_readable(&e, &p));
}

static void test_limit_text(void **state)
{
	static const char canonical[] =
		"delivery=auto nested=deny strict=no exposed=no limit=1500k/day,$0.50/hour";
	static const char *const bad[] = { "limit=", "limit=5M", "limit=5M/day,", "limit=x/day",
					   "limit=1/day,2/day" };
	char text[POLICY_MAX_LEN + 1];
	struct policy p;
	size_t i;

	(void)state;
	assert_int_equal(policy_parse(&p, "limit=$0.5/hour,1.5M/day", NULL), 0);
	assert_int_equal(p.limit.of[LIMIT_TOKENS].most, 1500000);
	policy_format(&p, text, sizeof(text));
	assert_string_equal(text, canonical);
	assert_int_equal(policy_parse(&p, "limit=5M/day limit=off", NULL), 0);
	assert_false(limit_is_set(&p.limit));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(policy_parse(&p, bad[i], NULL), -1);
}

static void test_limit_loosens(void **state)
{
	static const struct {
		const char *from, *to;
		bool loosens;
	} row[] = {
		{ "off", "5M/day", false },
		{ "off", "off", false },
		{ "5M/day", "5M/day", false },
		{ "5M/day", "4999k/day", false },
		{ "5M/day", "5M/day $10/day", false },
		{ "5M/day", "5001k/day", true },
		{ "5M/day", "off", true },
		{ "5M/day", "$10/day", true },
		{ "5M/day $10/day", "$10/day", true },
		{ "$10/day", "$1/hour", true },
		{ "$10/month", "$10/day", true },
		{ "200/hour", "199/hour $1/day", false },
	};
	struct limit from, to;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(limit_parse(&from, row[i].from, NULL), 0);
		assert_int_equal(limit_parse(&to, row[i].to, NULL), 0);
		assert_int_equal(limit_loosens(&from, &to), row[i].loosens);
	}
}

/* They say when an entry is there, not who gets it. */
static void test_keep_and_ttl_do_not_decide(void **state)
{
	struct policy_request q = asked();
	struct entry e = sealed("keep=yes ttl=60");

	(void)state;
	assert_int_equal(decide(&e, &q, NULL), FAIL_NONE);
	q.marked = true;
	assert_int_equal(decide(&e, &q, NULL), FAIL_MARKED);
}

/* ---- the client's directory ---- */

static void test_config_dir_text(void **state)
{
	static const char *const good[] = { "/srv/claude",
					    "~/.claude-work",
					    "~/a/b.c/d@e+f_g-h",
					    "$XDG_CONFIG_HOME/claude",
					    "$XDG_DATA_HOME/c",
					    "$XDG_STATE_HOME/c",
					    "~/...",
					    "/a" };
	static const char *const bad[] = { "claude",
					   "./claude",
					   "~",
					   "~/",
					   "/",
					   "~root/x",
					   "~/a/../b",
					   "~/./a",
					   "~/a//b",
					   "~/a/",
					   "//a",
					   "~/a b",
					   "~/a=b",
					   "~/a\n",
					   "~/\303\244",
					   "$HOME/a",
					   "${XDG_CONFIG_HOME}/a",
					   "$XDG_CONFIG_HOME",
					   "$XDG_CONFIG_HOME/",
					   "$XDG_RUNTIME_DIR/a" };
	char text[POLICY_MAX_LEN + 1], expected[POLICY_MAX_LEN + 1], value[CONFIG_DIR_MAX + 2];
	struct failure f = { 0 };
	struct policy p, q;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		policy_default(&p);
		assert_int_equal(policy_set(&p, "config_dir", good[i], &f), 0);
		policy_format(&p, text, sizeof(text));
		snprintf(expected, sizeof(expected),
			 "delivery=auto nested=deny strict=no exposed=no config_dir=%s", good[i]);
		assert_string_equal(text, expected);
		assert_int_equal(policy_parse(&q, text, NULL), 0);
		assert_true(same(&p, &q));
		policy_default(&q);
		assert_false(same(&p, &q));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.code = FAIL_NONE;
		assert_int_equal(policy_set(&p, "config_dir", bad[i], &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
	}
	memset(value, 'a', sizeof(value));
	value[0] = '/';
	value[CONFIG_DIR_MAX] = '\0';
	assert_int_equal(policy_set(&p, "config_dir", value, NULL), 0);
	value[CONFIG_DIR_MAX] = 'a';
	value[CONFIG_DIR_MAX + 1] = '\0';
	assert_int_equal(policy_set(&p, "config_dir", value, NULL), -1);
}

/* Another one than the sealed one gets nothing, and so does none. */
static void test_config_dir_decides(void **state)
{
	static const char *const dirs[] = { "", "~/.claude-work", "~/.claude-wor",
					    "~/.claude-work2" };
	char text[POLICY_MAX_LEN + 1];
	struct policy_request q = asked();
	struct failure f = { 0 };
	struct entry e;
	bool strict = false;
	size_t i, k;

	(void)state;
	for (i = 0; i < 4; i++)
		for (k = 0; k < 4; k++) {
			snprintf(text, sizeof(text), "%s%s", i ? "config_dir=" : "", dirs[i]);
			e = sealed(text);
			q.config_dir = dirs[k];
			assert_int_equal(decide(&e, &q, NULL), i == k ? FAIL_NONE : FAIL_ORIGIN);
		}
	/* a ccrun that knows nothing of it */
	q.config_dir = NULL;
	e = sealed("");
	assert_int_equal(decide(&e, &q, NULL), FAIL_NONE);
	e = sealed("config_dir=~/.claude-work");
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_int_equal(f.code, FAIL_ORIGIN);
	assert_non_null(strstr(f.hint, "ccctl approve zai"));
	/* inside a session nothing is said of it */
	q.marked = true;
	assert_int_equal(decide(&e, &q, NULL), FAIL_MARKED);
}

/* ---- what is sealed by its digest ---- */

#define DIGEST_A "0123456789abcdef0123456789abcdef"
#define DIGEST_B "0123456789abcdef0123456789abcdee"

static void test_digest_text(void **state)
{
	static const char *const keys[] = { "env", "ca", "prices" };
	static const char *const bad[] = { "0", "0123456789abcdef0123456789abcde", DIGEST_A "0",
					   "0123456789ABCDEF0123456789abcdef",
					   "g123456789abcdef0123456789abcdef" };
	char text[POLICY_MAX_LEN + 1], expected[POLICY_MAX_LEN + 1];
	struct failure f = { 0 };
	struct policy p, q;
	size_t i, k;

	(void)state;
	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		policy_default(&p);
		assert_int_equal(policy_set(&p, keys[k], DIGEST_A, &f), 0);
		policy_format(&p, text, sizeof(text));
		snprintf(expected, sizeof(expected),
			 "delivery=auto nested=deny strict=no exposed=no %s=" DIGEST_A, keys[k]);
		assert_string_equal(text, expected);
		assert_int_equal(policy_parse(&q, text, NULL), 0);
		assert_true(same(&p, &q));
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			f.code = FAIL_NONE;
			assert_int_equal(policy_set(&p, keys[k], bad[i], &f), -1);
			assert_int_equal(f.code, FAIL_BAD_VALUE);
		}
		assert_int_equal(policy_set(&p, keys[k], "", &f), 0);
		policy_format(&p, text, sizeof(text));
		assert_string_equal(text, "delivery=auto nested=deny strict=no exposed=no");
	}
	assert_int_equal(policy_parse(&p,
				      "confirm=first prices=" DIGEST_A " ca=" DIGEST_B
				      " config_dir=~/.w env=" DIGEST_A,
				      NULL),
			 0);
	policy_format(&p, text, sizeof(text));
	assert_string_equal(text,
			    "delivery=auto nested=deny strict=no exposed=no config_dir=~/.w "
			    "env=" DIGEST_A " ca=" DIGEST_B " prices=" DIGEST_A " confirm=first");
}

/* Every key has a value that policy_set takes. */
static void test_keys_and_values(void **state)
{
	static const char full[] =
		"delivery=relay nested=allow strict=yes exposed=yes keep=yes "
		"ttl=60 linger=120 confine=on config_dir=~/.w limit=5M/day env=" DIGEST_A
		" ca=" DIGEST_B " prices=" DIGEST_A " confirm=first";
	char value[POLICY_VALUE];
	struct policy p, q;
	unsigned i;

	(void)state;
	assert_int_equal(policy_parse(&p, full, NULL), 0);
	policy_default(&q);
	for (i = 0; i < POLICY_KEYS; i++) {
		assert_false(same(&p, &q));
		policy_value(&p, i, value);
		assert_int_equal(policy_set(&q, policy_key(i), value, NULL), 0);
	}
	assert_true(same(&p, &q));
}

/* Other variables than the sealed ones get nothing, and neither do none or more. */
static void test_env_decides(void **state)
{
	static const char *const digests[] = { "", DIGEST_A, DIGEST_B };
	char text[POLICY_MAX_LEN + 1];
	struct policy_request q = asked();
	struct failure f = { 0 };
	struct entry e;
	bool strict = false;
	size_t i, k;

	(void)state;
	for (i = 0; i < 3; i++)
		for (k = 0; k < 3; k++) {
			snprintf(text, sizeof(text), "%s%s", i ? "env=" : "", digests[i]);
			e = sealed(text);
			q.env = digests[k];
			assert_int_equal(decide(&e, &q, NULL), i == k ? FAIL_NONE : FAIL_ORIGIN);
		}
	q.env = NULL;
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_int_equal(f.code, FAIL_ORIGIN);
	assert_non_null(strstr(f.hint, "ccctl approve zai"));
	e = sealed("");
	assert_int_equal(decide(&e, &q, NULL), FAIL_NONE);
	q.env = DIGEST_A;
	q.marked = true;
	assert_int_equal(decide(&e, &q, NULL), FAIL_MARKED);
}

/* What is sealed may be confined more, and never less. */
static void test_confine_decides(void **state)
{
	struct policy_request q = asked();
	struct failure f = { 0 };
	char text[POLICY_MAX_LEN + 1], now[POLICY_MAX_LEN + 1];
	struct policy p;
	struct entry e;
	bool strict = false;
	int i, k;

	(void)state;
	assert_true(CONFINE_ON < CONFINE_AUTO && CONFINE_AUTO < CONFINE_OFF);
	for (i = CONFINE_ON; i <= CONFINE_OFF; i++)
		for (k = CONFINE_ON; k <= CONFINE_OFF; k++) {
			snprintf(text, sizeof(text), "confine=%s", confine_name((enum confine)i));
			e = sealed(text);
			q.confine = (enum confine)k;
			assert_int_equal(decide(&e, &q, NULL), k <= i ? FAIL_NONE : FAIL_POLICY);
		}
	/* An entry from before there was one. */
	e = sealed("");
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_int_equal(f.code, FAIL_POLICY);
	assert_non_null(strstr(f.hint, "ccctl approve zai"));
	assert_int_equal(policy_parse(&p, "confine=auto", NULL), 0);
	policy_format(&p, now, sizeof(now));
	assert_null(strstr(now, "confine"));
	for (i = 0; i < 4; i++) {
		static const char *const bad[] = { "confine=", "confine=yes", "confine=Off",
						   "confine=auto,on" };

		assert_int_equal(policy_parse(&p, bad[i], &f), -1);
		assert_int_equal(f.code, FAIL_BAD_VALUE);
	}
}

/* Fewer authorities are always allowed, others never. */
static void test_ca_decides(void **state)
{
	static const char *const digests[] = { "", DIGEST_A, DIGEST_B };
	char text[POLICY_MAX_LEN + 1];
	struct policy_request q = asked();
	struct failure f = { 0 };
	struct entry e;
	bool strict = false;
	size_t i, k;

	(void)state;
	for (i = 0; i < 3; i++)
		for (k = 0; k < 3; k++) {
			snprintf(text, sizeof(text), "%s%s", i ? "ca=" : "", digests[i]);
			e = sealed(text);
			q.ca = digests[k];
			assert_int_equal(decide(&e, &q, NULL),
					 k == 0 || i == k ? FAIL_NONE : FAIL_ORIGIN);
		}
	q.ca = DIGEST_A;
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_non_null(strstr(f.hint, "ccctl approve zai"));
}

/* Other prices than the sealed ones count for nothing where a limit is in money, and decide nothing
 * where none is. */
static void test_prices_decide(void **state)
{
	static const char *const digests[] = { "", DIGEST_A, DIGEST_B };
	static const struct {
		const char *text;
		bool money;
	} limits[] = { { "", false },
		       { "limit=5M/day,200/hour ", false },
		       { "limit=$5/day ", true },
		       { "limit=5M/day,$5/week,200/hour ", true } };
	char text[POLICY_MAX_LEN + 1];
	struct policy_request q = asked();
	struct failure f = { 0 };
	struct policy p;
	struct entry e;
	bool strict = false;
	size_t i, k, l;

	(void)state;
	q.delivery = DELIVERY_RELAY;
	for (l = 0; l < sizeof(limits) / sizeof(limits[0]); l++)
		for (i = 0; i < 3; i++)
			for (k = 0; k < 3; k++) {
				snprintf(text, sizeof(text), "%s%s%s", limits[l].text,
					 i ? "prices=" : "", digests[i]);
				e = sealed(text);
				q.prices = digests[k];
				assert_int_equal(decide(&e, &q, NULL), i == k || !limits[l].money
									       ? FAIL_NONE
									       : FAIL_ORIGIN);
				assert_int_equal(policy_parse(&p, text, NULL), 0);
				assert_int_equal(policy_prices_hold(&p, digests[k]),
						 i == k || !limits[l].money);
				/* A session inside another one brings none. */
				q.prices = NULL;
				assert_int_equal(decide(&e, &q, NULL), FAIL_NONE);
			}
	q.prices = DIGEST_B;
	e = sealed("limit=$5/day prices=" DIGEST_A);
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_string_equal(f.hint, "if you changed that yourself: ccctl approve zai");
	q.marked = true;
	assert_int_equal(decide(&e, &q, NULL), FAIL_MARKED);
}

/* Of a refusal, the part that says what is sealed and what the files say now. */
static void test_what_a_refusal_says(void **state)
{
	static const struct {
		const char *sealed, *dir, *env, *ca, *prices, *says;
		enum delivery want;
		bool marked, ticket;
	} cases[] = {
		{ "", "~/.x", "", "", "",
		  "for none as the client's config_dir, the provider's files now say ~/.x",
		  DELIVERY_RELAY, false, false },
		{ "config_dir=~/.w", "", "", "", "",
		  "for ~/.w as the client's config_dir, the provider's files now say none",
		  DELIVERY_RELAY, false, false },
		{ "", "", DIGEST_A, "", "",
		  "sealed without variables or headers of the provider's file that decide how "
		  "claude works, the files now say some",
		  DELIVERY_RELAY, false, false },
		{ "env=" DIGEST_A, "", DIGEST_B, "", "",
		  "sealed with variables or headers of the provider's file that decide how claude "
		  "works, the files now say others",
		  DELIVERY_RELAY, false, false },
		{ "env=" DIGEST_A, "", "", "", "", "how claude works, the files now say none",
		  DELIVERY_RELAY, false, false },
		{ "", "", "", DIGEST_A, "",
		  "for no further certificate authorities, and a file of such is set now",
		  DELIVERY_RELAY, false, false },
		{ "ca=" DIGEST_A, "", "", DIGEST_B, "",
		  "for other certificate authorities, and a file of these is set now",
		  DELIVERY_RELAY, false, false },
		{ "limit=$5/day", "", "", "", DIGEST_A,
		  "sealed without prices of the provider's file, by which its limit in money "
		  "counts, the files now say some",
		  DELIVERY_RELAY, false, false },
		{ "limit=$5/day prices=" DIGEST_A, "", "", "", DIGEST_B,
		  "sealed with prices of the provider's file, by which its limit in money counts, "
		  "the files now say others",
		  DELIVERY_RELAY, false, false },
		{ "limit=$5/day prices=" DIGEST_A, "", "", "", "", "the files now say none",
		  DELIVERY_RELAY, false, false },
		{ "nested=deny", "", "", "", "",
		  "the policy of 'zai' lets a session start no other one (nested = deny)",
		  DELIVERY_RELAY, true, true },
		{ "nested=use", "", "", "", "",
		  "inside a session 'zai' is used by relay alone (nested = use)", DELIVERY_PRELOAD,
		  true, true },
		{ "nested=use", "", "", "", "", "a process inside a session gets nothing",
		  DELIVERY_RELAY, true, false },
	};
	struct policy_request q;
	struct failure f;
	struct entry e;
	bool strict = false;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		e = sealed(cases[i].sealed);
		q = asked();
		q.config_dir = cases[i].dir;
		q.env = cases[i].env;
		q.ca = cases[i].ca;
		q.prices = cases[i].prices;
		q.delivery = cases[i].want;
		q.marked = cases[i].marked;
		q.ticket = cases[i].ticket;
		assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
		assert_non_null(strstr(f.what, cases[i].says));
	}
	/* A relay takes claude's requests alone: who starts claude by another program is told how. */
	e = sealed("delivery=relay");
	q = asked();
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_non_null(strstr(f.hint, "one that ccctl link makes"));
	e = sealed("delivery=preload");
	q.delivery = DELIVERY_PIPE;
	assert_int_equal(policy_decide(&e, &q, &strict, &f), -1);
	assert_null(strstr(f.hint, "ccctl link"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_strict_only_grows),
		cmocka_unit_test(test_origin_and_variable),
		cmocka_unit_test(test_a_key_of_no_provider),
		cmocka_unit_test(test_long_origins),
		cmocka_unit_test(test_what_is_not_understood),
		cmocka_unit_test(test_header_by_no_pipe),
		cmocka_unit_test(test_limit_by_relay_alone),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_a_dangerous_entry_is_not_delivered),
		cmocka_unit_test(test_keep_and_ttl_text),
		cmocka_unit_test(test_keep_and_ttl_do_not_decide),
		cmocka_unit_test(test_confirm_text),
		cmocka_unit_test(test_who_may_read_without_a_session),
		cmocka_unit_test(test_limit_text),
		cmocka_unit_test(test_limit_loosens),
		cmocka_unit_test(test_config_dir_text),
		cmocka_unit_test(test_config_dir_decides),
		cmocka_unit_test(test_confine_decides),
		cmocka_unit_test(test_digest_text),
		cmocka_unit_test(test_keys_and_values),
		cmocka_unit_test(test_env_decides),
		cmocka_unit_test(test_ca_decides),
		cmocka_unit_test(test_prices_decide),
		cmocka_unit_test(test_what_a_refusal_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
