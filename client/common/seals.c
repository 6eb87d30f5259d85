/*
 * client/common/seals.c - what a person agrees to before it is sealed.
 *
 * A provider's file is easily edited by what runs as the user, and what it says is sealed
 * for good.  So nothing that gives more than usual is sealed unseen.
 */
#include "client/common/seals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/fail.h"
#include "client/common/output.h"
#include "client/common/parameters.h"
#include "client/common/seals_meaning.h"
#include "client/common/terminal.h"
#include "config/provider/env_sealed.h"
#include "config/provider/provider.h"
#include "wire/endpoint.h"
#include "wire/policy.h"

#define HINT_ALLOW "if that is what you want: ccctl add %s" /* and --allow WORD */

/* Text that grows and is cut at its end. */
struct text {
	char *p;
	size_t size, n;
};

static void text_add(struct text *t, const char *before, const char *a, const char *middle,
		     const char *b)
{
	const char *const part[] = { t->n ? before : "", a, middle, b };
	size_t i, n, room;

	for (i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		n = strlen(part[i]);
		room = t->size - 1 - t->n;
		if (n > room)
			n = room;
		memcpy(t->p + t->n, part[i], n);
		t->n += n;
	}
	t->p[t->n] = '\0';
}

int seals_fail_changed(const struct provider *p, const struct seal_change *ch, struct failure *f)
{
	char what[200] = "", old[POLICY_VALUE], new[POLICY_VALUE], word[PROVIDER_WORD];
	struct text t = { what, sizeof(what), 0 };
	struct policy a, b;
	unsigned i;

	if (!origin_is_sealed(ch->from.origin, ch->to.origin))
		text_add(&t, ", ", "origin", " -> ", ch->to.origin);
	if (strcmp(ch->from.variable, ch->to.variable) != 0)
		text_add(&t, ", ", "variable", " -> ", ch->to.variable);
	if (policy_parse(&a, ch->from.policy, NULL) != 0 ||
	    policy_parse(&b, ch->to.policy, NULL) != 0) {
		text_add(&t, ", ", "policy", " -> ", ch->to.policy);
		goto out;
	}
	for (i = 0; i < POLICY_KEYS; i++) {
		policy_value(&a, i, old);
		policy_value(&b, i, new);
		if (strcmp(old, new) == 0)
			continue;
		seal_value_text(&a, i, old);
		seal_value_text(&b, i, new);
		text_add(&t, ", ", policy_key(i), " ", old);
		text_add(&t, "", "", " -> ", new);
	}
out:
	provider_word(p, word);
	fail_set(f, FAIL_POLICY, NULL, "'%s' is sealed, and its provider's files now differ: %s",
		 ch->to.entry, what);
	fail_hint(f, "if you changed that yourself: ccctl approve %s", word);
	return -1;
}

static bool is_allowed(const char *word, const char *const *allowed, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(allowed[i], word) == 0)
			return true;
	return false;
}

/* Is value i of p among the n words?  A length of time has several texts. */
static bool value_is_allowed(const struct policy *p, unsigned i, const char *const *allowed,
			     unsigned n)
{
	char value[POLICY_VALUE], other[POLICY_VALUE];
	size_t len = strlen(policy_key(i));
	struct policy said;
	unsigned k;

	policy_value(p, i, value);
	for (k = 0; k < n; k++) {
		policy_default(&said);
		if (strncmp(allowed[k], policy_key(i), len) != 0 || allowed[k][len] != '=' ||
		    policy_set(&said, policy_key(i), allowed[k] + len + 1, NULL) != 0)
			continue;
		policy_value(&said, i, other);
		if (strcmp(value, other) == 0)
			return true;
	}
	return false;
}

static void say_env(const struct provider *p)
{
	char env[ENV_SEALED_MAX + 1], *line, *save = NULL;

	if (provider_env_sealed(p, env, NULL) < 0)
		return;
	for (line = strtok_r(env, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		say("    %s", line);
}

int seals_agree_first(const struct provider *p, const struct wanted *w, const char *const *allowed,
		      unsigned n, struct failure *f)
{
	char words[200] = "", value[POLICY_VALUE], usual[POLICY_VALUE];
	char word[POLICY_VALUE + 16], name[PROVIDER_WORD];
	struct text asked = { words, sizeof(words), 0 };
	struct failure mend = { 0 };
	struct policy policy, nothing;
	bool agreed;
	unsigned i;

	if (policy_parse(&policy, w->policy, f) != 0)
		return -1;
	provider_word(p, name);
	fail_hint(&mend, HINT_ALLOW, name);
	policy_default(&nothing);
	nothing.delivery = w->usual;
	nothing.nested = w->usual_nested;
	for (i = 0; i < POLICY_KEYS; i++) {
		policy_words_value(&policy, i, value);
		policy_words_value(&nothing, i, usual);
		if (strcmp(value, usual) == 0)
			continue;
		snprintf(word, sizeof(word), "%s=%s", policy_key(i), value);
		if (!seal_allows_more(&policy, &nothing, i)) {
			say("%s is sealed with %s", name, word);
			if (strcmp(policy_key(i), "prices") == 0)
				seal_say_prices(p, say);
			continue;
		}
		say("%s is sealed with %s: %s", name, word, seal_meaning(policy_key(i)));
		if (strcmp(policy_key(i), "env") == 0)
			say_env(p);
		if (strcmp(policy_key(i), "ca") == 0) {
			say("    %s", w->ca_file);
			seal_say_network(p, say);
		}
		if (value_is_allowed(&policy, i, allowed, n))
			continue;
		text_add(&asked, ", ", word, "", "");
		fail_hint_add(&mend, " --allow %s", word);
	}
	if (!words[0])
		return 0;
	if (!terminal_asks())
		return fail_set(f, FAIL_POLICY, mend.hint,
				"the files of %s allow more than usual: %s", name, words);
	if (terminal_yes("its provider's files say so; seal it like that?", &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* The user's file that lies over a shipped one may be of another provider, which p uses. */
static bool routes_files_are_two(const struct provider *p)
{
	return strcmp(p->users_over, p->users_file) != 0;
}

static int fail_routes(const struct provider *p, const struct route_change *ch,
		       const struct failure *mend, struct failure *f)
{
	bool two = routes_files_are_two(p);
	char name[PROVIDER_WORD];

	provider_word(p, name);
	return fail_set(f, FAIL_POLICY, mend->hint,
			"%s%s%s: %s of %s is not the shipped one: %s -> %s", p->users_file,
			two ? ", " : "", two ? p->users_over : "", ch->key, name,
			ch->from[0] ? ch->from : "none", ch->to);
}

static int routes_agree_own(const struct provider *p, struct failure *f)
{
	char name[PROVIDER_WORD];
	bool agreed;

	provider_word(p, name);
	if (!terminal_asks()) {
		fail_set(f, FAIL_POLICY, NULL,
			 "%s: the key of %s would go to %s, and no shipped file says so",
			 p->users_file, name, origin_url(p->origin));
		fail_hint(f,
			  "if that is what you want: ccctl import on a terminal, or ccctl add %s",
			  name);
		return -1;
	}
	if (terminal_yes("seal the key for that?", &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* Where whoever listens is given the key: on this machine, any program of the user's. */
static bool route_is_plain(const struct provider *p)
{
	struct endpoint e;

	return endpoint_parse(origin_url(p->origin), &e) != NULL || !e.tls;
}

static int routes_agree_plain(const struct provider *p, struct failure *f)
{
	char name[PROVIDER_WORD];
	bool agreed;

	provider_word(p, name);
	if (!terminal_asks()) {
		fail_set(f, FAIL_POLICY, NULL,
			 "what %s gets would go to %s, where whoever listens is given it", name,
			 origin_url(p->origin));
		fail_hint(f,
			  "if that is what you want: ccctl import on a terminal, or ccctl add %s "
			  "--source ...",
			  name);
		return -1;
	}
	say("%s: what the manager gives will go to %s, to whoever listens there", name,
	    origin_url(p->origin));
	if (terminal_yes("seal it for that?", &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

int seals_agree_routes(const struct provider *p, const struct given_params *given,
		       const char *const *allowed, unsigned n, enum route_choice choice,
		       struct failure *f)
{
	struct route_change ch[ROUTE_CHANGES_MAX], *first = NULL;
	char word[ORIGIN_MAX_LEN + 16], name[PROVIDER_WORD];
	struct failure mend = { 0 };
	bool agreed = false, own, asks = control_active(CONTROL_FIRST_ROUTES);
	unsigned i, changes;

	provider_word(p, name);
	fail_hint(&mend, HINT_ALLOW, name);
	own = provider_routes(p, given->value, given->values, ch, &changes) == ROUTES_OWN;
	if (own)
		say("%s is yours: its key will go to %s", name, origin_url(p->origin));
	for (i = 0; asks && i < changes; i++) {
		snprintf(word, sizeof(word), "%s=%s", ch[i].key, ch[i].to);
		say("%s: %s %s -> %s, by %s%s%s", name, ch[i].key,
		    ch[i].from[0] ? ch[i].from : "none", ch[i].to, p->users_file,
		    routes_files_are_two(p) ? " or " : "",
		    routes_files_are_two(p) ? p->users_over : "");
		if (is_allowed(word, allowed, n))
			continue;
		first = first ? first : &ch[i];
		fail_hint_add(&mend, " --allow %s", word);
	}
	if (!first && asks && own && choice != ROUTE_NAMED)
		return routes_agree_own(p, f);
	if (!first && asks && choice == ROUTE_OF_REFERENCE && route_is_plain(p))
		return routes_agree_plain(p, f);
	if (!first)
		return 0;
	if (!terminal_asks())
		return fail_routes(p, first, &mend, f);
	if (terminal_yes("your own file says so, not the shipped one; seal the key for that?",
			 &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* Words that are as good as allowed. */
struct words {
	char text[POLICY_KEYS + ROUTE_CHANGES_MAX][ORIGIN_MAX_LEN + 16];
	const char *word[POLICY_KEYS + ROUTE_CHANGES_MAX + SEALS_ALLOWS_MAX];
	unsigned texts, n;
};

static void words_add(struct words *s, const char *key, const char *value)
{
	snprintf(s->text[s->texts], sizeof(s->text[0]), "%s=%s", key, value);
	s->word[s->n++] = s->text[s->texts++];
}

/* What differs is asked about as a change. */
static void words_add_changes(struct words *s, const struct wanted *w, const struct listed *e)
{
	char old[POLICY_VALUE], new[POLICY_VALUE], auth[ORIGIN_MAX_LEN + 1];
	struct policy a, b;
	unsigned i;

	if (!origin_is_sealed(e->origin, w->origin)) {
		snprintf(auth, sizeof(auth), "%.*s", (int)strcspn(w->origin, " "), w->origin);
		words_add(s, "base_url", origin_url(w->origin));
		words_add(s, "auth", auth);
	}
	if (strcmp(e->variable, w->variable) != 0)
		words_add(s, "variable", w->variable);
	if (policy_parse(&a, e->policy, NULL) != 0 || policy_parse(&b, w->policy, NULL) != 0)
		return;
	for (i = 0; i < POLICY_KEYS; i++) {
		policy_value(&a, i, old);
		policy_value(&b, i, new);
		if (strcmp(old, new) != 0)
			words_add(s, policy_key(i), new);
	}
}

int seals_agree_again(const struct provider *p, const struct wanted *w, const struct listed *e,
		      const struct given_params *given, const char *const *allowed, unsigned n,
		      struct failure *f)
{
	struct words s = { .n = 0 };
	unsigned i;

	for (i = 0; i < n && i < SEALS_ALLOWS_MAX; i++)
		s.word[s.n++] = allowed[i];
	words_add_changes(&s, w, e);
	if (seals_agree_routes(p, given, s.word, s.n, ROUTE_NAMED, f) != 0)
		return -1;
	return seals_agree_first(p, w, s.word, s.n, f);
}
