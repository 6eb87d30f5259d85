/*
 * broker/policy.c - the decisions about entries and their policies.
 */
#include "broker/policy.h"

#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "vault/entry.h"
#include "wire/endpoint.h"
#include "wire/names.h"

/*
 * The client blanks these when it expands a repository's MCP and hook
 * configuration; any other variable would leak there (measured with Claude
 * Code 2.1.330, with CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1).
 */
static const char *const blanked[] = {
	"ANTHROPIC_AUTH_TOKEN",
	"ANTHROPIC_API_KEY",
	"AWS_BEARER_TOKEN_BEDROCK",
	"ANTHROPIC_FOUNDRY_API_KEY",
	"ANTHROPIC_FOUNDRY_AUTH_TOKEN",
	"ANTHROPIC_AWS_API_KEY",
	"CLAUDE_CODE_OAUTH_TOKEN",
	/* the key itself is in a pipe, the variable only says in which */
	"CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
};

bool policy_client_blanks(const char *variable)
{
	unsigned i;

	for (i = 0; i < sizeof(blanked) / sizeof(blanked[0]); i++)
		if (strcmp(blanked[i], variable) == 0)
			return true;
	return false;
}

/* Variables that could make the client run or load something: no secret's. */
static bool is_dangerous_variable(const char *v)
{
	static const char *const prefixes[] = { "LD_",	"BUN_",	 "NODE_", "CCRUN_",
						"GIT_", "BASH_", "XDG_" };
	static const char *const names[] = {
		"PATH", "HOME", "SHELL", "IFS", "ENV", "PWD", "TMPDIR"
	};
	unsigned i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(v, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(v, names[i]) == 0)
			return true;
	return false;
}

int policy_check_entry(const struct entry *e, struct failure *f)
{
	struct policy p;

	if (policy_parse(&p, e->policy, f) != 0)
		return -1;
	/* The client blanks the variable that it takes headers from. */
	if (wire_carrier_header(e->variable))
		return 0;
	if (is_dangerous_variable(e->variable))
		return fail_set(f, FAIL_POLICY, NULL, "a secret cannot be delivered as %s",
				e->variable);
	if (!policy_client_blanks(e->variable) && !p.exposed && control_active(CONTROL_EXPOSED))
		return fail_set(f, FAIL_POLICY,
				"'exposed = yes' in the provider's [secrets] accepts that",
				"%s is not kept from MCP servers and hooks by the client",
				e->variable);
	return 0;
}

int policy_check_bound(const struct entry *e, struct failure *f)
{
	if (origin_is_bound(e->origin))
		return 0;
	fail_set(f, FAIL_ORIGIN, NULL, "'%s' belongs to no provider yet, so nothing can use it",
		 e->name);
	fail_hint(f, "name it in a provider's file (secret = %s), then: ccctl approve %s", e->name,
		  e->name);
	return -1;
}

static int decide_delivery(const struct entry *e, const struct policy *p, enum delivery want,
			   struct failure *f)
{
	/* AUTO allows what is tighter, and pipe for what cannot be preloaded. */
	enum delivery loosest = p->delivery == DELIVERY_AUTO ? DELIVERY_PIPE : p->delivery;

	if ((want == DELIVERY_AUTO || want > loosest) && control_active(CONTROL_SEALED_DELIVERY)) {
		fail_set(f, FAIL_POLICY, NULL, "'%s' may be delivered by %s, not by %s", e->name,
			 delivery_name(p->delivery), delivery_name(want));
		/* Only claude's requests can go by a relay. */
		fail_hint(f, "ccctl approve %s, after setting [policy] delivery = %s", e->name,
			  delivery_name(want));
		if (p->delivery == DELIVERY_RELAY)
			fail_hint_add(f,
				      "; a program that starts claude is given one that ccctl link "
				      "makes (CALLERS in ccrun(1))");
		return -1;
	}
	if (wire_carrier_header(e->variable) && want == DELIVERY_PIPE)
		return fail_set(f, FAIL_POLICY, "use a claude that can be preloaded",
				"'%s' goes into requests as a header, which no pipe carries",
				e->name);
	if (limit_is_set(&p->limit) && want != DELIVERY_RELAY) {
		fail_set(f, FAIL_POLICY, NULL,
			 "'%s' has a limit, which only relay can keep, not %s", e->name,
			 delivery_name(want));
		fail_hint(f, "ccctl limit %s off", e->name);
		return -1;
	}
	if (p->strict && want > DELIVERY_PRELOAD && control_active(CONTROL_STRICT))
		return fail_set(
			f, FAIL_POLICY, "use a claude that can be preloaded",
			"'%s' is strict: only relay and preload keep it from other processes",
			e->name);
	return 0;
}

bool policy_is_readable(const struct entry *e, const struct policy *p)
{
	return p->confirm == CONFIRM_NO && origin_is_bound(e->origin) &&
	       decide_delivery(e, p, DELIVERY_PRELOAD, NULL) == 0;
}

/*
 * The client obeys the settings, hooks and plugins in its config_dir.  So the directory
 * must be the one that a person approved; naming none is another one too.
 */
static int decide_config_dir(const struct entry *e, const struct policy *p, const char *want,
			     struct failure *f)
{
	if (!want)
		want = "";
	if (strcmp(p->config_dir, want) == 0 || !control_active(CONTROL_SEALED_CONFIG_DIR))
		return 0;
	fail_set(f, FAIL_ORIGIN, NULL,
		 "'%s' was sealed for %s as the client's config_dir, the provider's files now say "
		 "%s",
		 e->name, p->config_dir[0] ? p->config_dir : "none", want[0] ? want : "none");
	fail_hint(f, "if you changed that yourself: ccctl approve %s", e->name);
	return -1;
}

/* A file may confine a session more than was sealed, and never less. */
static int decide_confine(const struct entry *e, const struct policy *p, enum confine want,
			  struct failure *f)
{
	if (want <= p->confine || !control_active(CONTROL_SEALED_CONFINE))
		return 0;
	fail_set(f, FAIL_POLICY, NULL,
		 "'%s' was sealed with confine = %s, the provider's files now say %s", e->name,
		 confine_name(p->confine), confine_name(want));
	fail_hint(f, "if you changed that yourself: ccctl approve %s", e->name);
	return -1;
}

static int decide_nested(const struct entry *e, const struct policy *p,
			 const struct policy_request *q, struct failure *f)
{
	if (p->nested == NESTED_ALLOW || !control_active(CONTROL_NESTED))
		return 0;
	/* The same words as session.c's for a missing entry: a process inside a session
	 * must not learn which entries there are. */
	if (!q->ticket)
		return fail_set(f, FAIL_MARKED, "start it outside the session, in another terminal",
				"a process inside a session gets nothing");
	if (p->nested == NESTED_USE && q->delivery == DELIVERY_RELAY)
		return 0;
	fail_set(f, FAIL_MARKED, "start it outside the session, in another terminal",
		 p->nested == NESTED_DENY
			 ? "the policy of '%s' lets a session start no other one (nested = deny)"
			 : "inside a session '%s' is used by relay alone (nested = use)",
		 e->name);
	return -1;
}

/* Lines of the files that are sealed by their digest: with others, without any, or now with some. */
static int fail_other_lines(const struct entry *e, const char *what, const char *was,
			    const char *want, struct failure *f)
{
	fail_set(f, FAIL_ORIGIN, NULL, "'%s' was sealed %s %s, the files now say %s", e->name,
		 was[0] ? "with" : "without", what,
		 !want[0] ? "none"
		 : was[0] ? "others"
			  : "some");
	fail_hint(f, "if you changed that yourself: ccctl approve %s", e->name);
	return -1;
}

/*
 * Variables that may route the client, weaken it or make it run something: they must be
 * those that a person approved, and all of them.
 */
static int decide_env(const struct entry *e, const struct policy *p, const char *want,
		      struct failure *f)
{
	if (!want)
		want = "";
	if (strcmp(p->env, want) == 0 || !control_active(CONTROL_SEALED_ENV))
		return 0;
	return fail_other_lines(
		e, "variables or headers of the provider's file that decide how claude works",
		p->env, want, f);
}

/*
 * Who can sign for another host reads the key there.  Trusting fewer authorities than
 * the sealed ones is tighter, so none is always allowed.
 */
static int decide_ca(const struct entry *e, const struct policy *p, const char *want,
		     struct failure *f)
{
	if (!want || !want[0] || strcmp(p->ca, want) == 0 || !control_active(CONTROL_SEALED_CA))
		return 0;
	fail_set(f, FAIL_ORIGIN, NULL,
		 "'%s' was sealed for %s certificate authorities, and a file of %s is set now",
		 e->name, p->ca[0] ? "other" : "no further", p->ca[0] ? "these" : "such");
	fail_hint(f, "if you changed that yourself: ccctl approve %s", e->name);
	return -1;
}

bool policy_prices_hold(const struct policy *p, const char *digest)
{
	return p->limit.of[LIMIT_MONEY].most == 0 || strcmp(p->prices, digest) == 0 ||
	       !control_active(CONTROL_SEALED_PRICES);
}

static int decide_prices(const struct entry *e, const struct policy *p, const char *want,
			 struct failure *f)
{
	if (!want || policy_prices_hold(p, want))
		return 0;
	return fail_other_lines(e,
				"prices of the provider's file, by which its limit in money counts",
				p->prices, want, f);
}

int policy_decide(const struct entry *e, const struct policy_request *q, bool *strict,
		  struct failure *f)
{
	struct policy p;

	if (policy_parse(&p, e->policy, f) != 0)
		return -1;
	if (q->marked && decide_nested(e, &p, q, f) != 0)
		return -1;
	if (!origin_is_sealed(e->origin, q->origin) && control_active(CONTROL_SEALED_ORIGIN)) {
		fail_set(f, FAIL_ORIGIN, NULL,
			 "'%s' was sealed for %.110s, the provider's files now say %.110s", e->name,
			 e->origin, q->origin);
		fail_hint(f, "if you changed that yourself: ccctl approve %s", e->name);
		return -1;
	}
	if (policy_check_bound(e, f) != 0)
		return -1;
	if (strcmp(e->variable, q->variable) != 0 && control_active(CONTROL_SEALED_VARIABLE)) {
		fail_set(f, FAIL_ORIGIN, NULL,
			 "'%s' was sealed to be sent as %s, the provider's files now say %s",
			 e->name, e->variable, q->variable);
		fail_hint(f, "if you changed that yourself: ccctl approve %s", e->name);
		return -1;
	}
	if (decide_config_dir(e, &p, q->config_dir, f) != 0 || decide_env(e, &p, q->env, f) != 0 ||
	    decide_ca(e, &p, q->ca, f) != 0 || decide_prices(e, &p, q->prices, f) != 0 ||
	    decide_confine(e, &p, q->confine, f) != 0 || policy_check_entry(e, f) != 0)
		return -1;
	p.strict = p.strict || q->strict;
	*strict = *strict || p.strict;
	return decide_delivery(e, &p, q->delivery, f);
}
