/*
 * tests/proofs/prove_policy.c - the broker's decision in every state that it can tell apart.
 *
 * policy_decide depends on its arguments alone, and tells no more of a text than whether it is
 * the sealed one, another, or none.  So its states can be counted, and all are tried against
 * the rules written down once more, each for itself.  Some forty million: too many for
 * valgrind, so it is no unit test.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "broker/policy.h"
#include "vault/entry.h"

#define ORIGIN "bearer https://api.example.test"
#define OTHER_ORIGIN "bearer https://api.example.org"
#define DIR "~/.claude-work"
#define DIGEST_A "00112233445566778899aabbccddeeff"
#define DIGEST_B "ffeeddccbbaa99887766554433221100"

_Static_assert(sizeof(DIGEST_A) == SEAL_DIGEST_HEX + 1, "a digest of another length");

enum relation { SAME, ANOTHER, ABSENT, RELATIONS };
/* No other text is told apart but where the limit is in money (test_policy.c has all of them). */
enum limits { NO_LIMIT, OF_TOKENS, OF_MONEY, OF_MONEY_SAME_PRICES, LIMITS };
enum kind { BLANKED, LEAKS, DANGEROUS, HEADER, KINDS };

static const char *const variables[KINDS] = { "ANTHROPIC_AUTH_TOKEN", "SOME_TOKEN", "LD_PRELOAD",
					      "header:x-api-key" };

/* What a state is made of; each counts from 0 to its size. */
struct state {
	unsigned delivery, nested, strict, exposed, confine, limit; /* sealed */
	unsigned dir, env, ca, origin, variable, kind;		    /* sealed and asked */
	unsigned want, want_strict, want_confine, marked, ticket;   /* asked */
};

static const struct {
	const char *name;
	size_t at;
	unsigned size;
} dimensions[] = {
#define DIMENSION(field, size)                              \
	{                                                   \
#field, offsetof(struct state, field), size \
	}
	/* The sealed ones last: they change seldom. */
	DIMENSION(dir, RELATIONS),
	DIMENSION(env, RELATIONS),
	DIMENSION(ca, RELATIONS),
	DIMENSION(origin, 2),
	DIMENSION(variable, 2),
	DIMENSION(want, DELIVERY_ENV + 1),
	DIMENSION(want_strict, 2),
	DIMENSION(want_confine, CONFINE_OFF + 1),
	DIMENSION(marked, 2),
	DIMENSION(ticket, 2),
	DIMENSION(kind, KINDS),
	DIMENSION(delivery, DELIVERY_ENV + 1),
	DIMENSION(nested, NESTED_ALLOW + 1),
	DIMENSION(strict, 2),
	DIMENSION(exposed, 2),
	DIMENSION(confine, CONFINE_OFF + 1),
	DIMENSION(limit, LIMITS),
#undef DIMENSION
};
#define DIMENSIONS (sizeof(dimensions) / sizeof(dimensions[0]))

static unsigned *state_field(struct state *s, size_t i)
{
	return (unsigned *)(void *)((char *)s + dimensions[i].at);
}

/* The next state; false after the last one. */
static bool state_next(struct state *s)
{
	size_t i;

	for (i = 0; i < DIMENSIONS; i++) {
		if (++*state_field(s, i) < dimensions[i].size)
			return true;
		*state_field(s, i) = 0;
	}
	return false;
}

/* ---- the rules, each for itself ---- */

static bool in_session_is_refused(const struct state *s)
{
	if (!s->marked || s->nested == NESTED_ALLOW)
		return false;
	return !(s->nested == NESTED_USE && s->ticket && s->want == DELIVERY_RELAY);
}

/* Something that a person sealed is not what the files say now. */
static bool is_for_something_else(const struct state *s)
{
	return s->origin == ANOTHER || s->variable == ANOTHER || s->dir != SAME || s->env != SAME ||
	       s->ca == ANOTHER || s->limit == OF_MONEY;
}

static bool confines_less(const struct state *s)
{
	return (s->want_confine == CONFINE_OFF && s->confine != CONFINE_OFF) ||
	       (s->want_confine == CONFINE_AUTO && s->confine == CONFINE_ON);
}

static bool variable_is_unfit(const struct state *s)
{
	return s->kind == DANGEROUS || (s->kind == LEAKS && !s->exposed);
}

static bool delivery_is_refused(const struct state *s)
{
	switch (s->want) {
	case DELIVERY_RELAY:
		return false;
	case DELIVERY_PRELOAD:
		return s->delivery == DELIVERY_RELAY || s->limit;
	case DELIVERY_PIPE:
		return s->delivery == DELIVERY_RELAY || s->delivery == DELIVERY_PRELOAD ||
		       s->limit || s->strict || s->want_strict || s->kind == HEADER;
	case DELIVERY_ENV:
		return s->delivery != DELIVERY_ENV || s->limit || s->strict || s->want_strict;
	default: /* auto is no way to deliver */
		return true;
	}
}

static bool state_is_granted(const struct state *s)
{
	return !in_session_is_refused(s) && !is_for_something_else(s) && !confines_less(s) &&
	       !variable_is_unfit(s) && !delivery_is_refused(s);
}

/* Of one that is refused: a marked requester learns no more than that it is one. */
static bool code_is_right(const struct state *s, enum fail_code code)
{
	if (in_session_is_refused(s))
		return code == FAIL_MARKED;
	if (is_for_something_else(s))
		return code == FAIL_ORIGIN;
	return code == FAIL_POLICY;
}

/* ---- a state as the arguments ---- */

/* The text that is asked for where `sealed` was. */
static const char *related(unsigned relation, const char *sealed, const char *other)
{
	return relation == SAME ? sealed : relation == ANOTHER ? other : NULL;
}

static void state_seal(const struct state *s, struct entry *e)
{
	struct policy p;

	policy_default(&p);
	p.delivery = (enum delivery)s->delivery;
	p.nested = (enum nested)s->nested;
	p.strict = s->strict;
	p.exposed = s->exposed;
	p.confine = (enum confine)s->confine;
	if (s->limit &&
	    limit_parse(&p.limit, s->limit == OF_TOKENS ? "5M/day" : "$5/day", NULL) != 0)
		abort();
	memcpy(p.config_dir, DIR, sizeof(DIR));
	memcpy(p.env, DIGEST_A, sizeof(DIGEST_A));
	memcpy(p.ca, DIGEST_A, sizeof(DIGEST_A));
	memcpy(p.prices, DIGEST_A, sizeof(DIGEST_A));
	memset(e, 0, sizeof(*e));
	snprintf(e->name, sizeof(e->name), "zai");
	snprintf(e->origin, sizeof(e->origin), "%s", ORIGIN);
	snprintf(e->variable, sizeof(e->variable), "%s", variables[s->kind]);
	policy_format(&p, e->policy, sizeof(e->policy));
}

static struct policy_request state_ask(const struct state *s)
{
	return (struct policy_request){
		.origin = related(s->origin, ORIGIN, OTHER_ORIGIN),
		.variable = related(s->variable, variables[s->kind], "ANTHROPIC_API_KEY"),
		.delivery = (enum delivery)s->want,
		.strict = s->want_strict,
		.confine = (enum confine)s->want_confine,
		.config_dir = related(s->dir, DIR, "~/.claude-other"),
		.env = related(s->env, DIGEST_A, DIGEST_B),
		.ca = related(s->ca, DIGEST_A, DIGEST_B),
		.prices = s->limit == OF_MONEY_SAME_PRICES ? DIGEST_A : DIGEST_B,
		.marked = s->marked,
		.ticket = s->ticket,
	};
}

static bool try_state(const struct state *s, const struct entry *e)
{
	struct policy_request q = state_ask(s);
	struct failure f = { 0 };
	bool strict = false, granted = policy_decide(e, &q, &strict, &f) == 0;

	if (granted != state_is_granted(s) || (!granted && !code_is_right(s, f.code)))
		return false;
	return !granted || strict == (s->strict || s->want_strict);
}

static bool is_sealed_alike(const struct state *a, const struct state *b)
{
	return a->delivery == b->delivery && a->nested == b->nested && a->strict == b->strict &&
	       a->exposed == b->exposed && a->confine == b->confine && a->limit == b->limit &&
	       a->kind == b->kind;
}

int main(void)
{
	struct state s = { 0 }, sealed = { 0 };
	uint64_t states = 0, granted = 0;
	struct entry e;
	size_t i;

	state_seal(&s, &e);
	do {
		if (!is_sealed_alike(&s, &sealed)) {
			state_seal(&s, &e);
			sealed = s;
		}
		states++;
		granted += state_is_granted(&s);
		if (try_state(&s, &e))
			continue;
		fprintf(stderr, "policy_decide is not what the rules say, where");
		for (i = 0; i < DIMENSIONS; i++)
			fprintf(stderr, " %s=%u", dimensions[i].name, *state_field(&s, i));
		fprintf(stderr, "\n");
		return 1;
	} while (state_next(&s));
	printf("%llu states, %llu granted: as the rules say\n", (unsigned long long)states,
	       (unsigned long long)granted);
	return 0;
}
