/*
 * client/add.c - ccctl add: a provider's parameters and keys, or a key alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/parameters.h"
#include "client/common/seals.h"
#include "client/common/secret.h"
#include "client/common/sources.h"
#include "client/common/terminal.h"
#include "client/common/tokens.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "config/provider/provider.h"
#include "spec/spec.h"
#include "wire/policy.h"

struct add {
	const char *word;
	bool key_only, replace, unchecked;
	bool model_later; /* its server is asked for its models with the new key; until then
			   * the provider has any */
	const char *ref[SESSION_ENTRIES_MAX]; /* --source, in order */
	unsigned refs;
	int pass_fd;
	struct given_params set;
	uint64_t ttl;		   /* -t, in seconds; 0: as the provider's files say */
	struct provider *provider; /* NULL with --key */
	struct wanted wanted[SESSION_ENTRIES_MAX];
	bool over[SESSION_ENTRIES_MAX]; /* replaces an existing entry */
	unsigned count;
	const char *allow[SEALS_ALLOWS_MAX]; /* --allow: what a first seal may have */
	unsigned allows;
};

/* Which options go together. */
static int add_check_together(const struct add *a, struct failure *f)
{
	unsigned i;

	if (a->key_only && a->set.n > 0)
		return fail_set(f, FAIL_USAGE, "ccctl help add",
				"--set is for providers, not for --key");
	for (i = 0; a->key_only && i < a->allows; i++)
		if (strncmp(a->allow[i], "command=", 8) != 0)
			return fail_set(
				f, FAIL_USAGE, "ccctl help add",
				"--allow is for providers, not for --key, but for command=");
	if (a->unchecked && a->refs == 0)
		return fail_set(f, FAIL_USAGE, "ccctl help add", "--no-check is for --source");
	return 0;
}

static int add_parse(int argc, char **argv, struct add *a, struct failure *f)
{
	bool first = true;
	int opt;

	a->pass_fd = -1;
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		switch (opt) {
		case OPTION_TTL:
			if (duration_parse_typed(optarg, &a->ttl) != 0 || a->ttl == 0 ||
			    a->ttl > TTL_MAX)
				return fail_set(
					f, FAIL_USAGE, "like 90s, 30m, 12h or 7d",
					"-t is how long the key may be in memory, with its unit");
			break;
		case OPTION_KEY:
			a->key_only = true;
			break;
		case OPTION_REPLACE:
			a->replace = true;
			break;
		case OPTION_SET:
			if (given_params_add(&a->set, optarg, f) != 0)
				return -1;
			break;
		case OPTION_SOURCE:
			if (a->refs == SESSION_ENTRIES_MAX)
				return fail_set(f, FAIL_USAGE, NULL,
						"a provider has %d keys at most",
						SESSION_ENTRIES_MAX);
			a->ref[a->refs++] = optarg;
			break;
		case OPTION_NO_CHECK:
			a->unchecked = true;
			break;
		case OPTION_ALLOW:
			if (a->allows == SEALS_ALLOWS_MAX)
				return fail_set(f, FAIL_USAGE, NULL,
						"there is less than that to allow");
			a->allow[a->allows++] = optarg;
			break;
		case OPTION_PASSPHRASE_FD:
			if (passphrase_fd_option(optarg, &a->pass_fd, f) != 0)
				return -1;
			break;
		default:
			return -1;
		}
	}
	if (require_words(argc, argv, 1, f) != 0)
		return -1;
	a->word = argv[optind];
	return add_check_together(a, f);
}

/* An entry of no provider: bound to an origin that no launch asks for. */
static int add_want_unbound(struct add *a, struct failure *f)
{
	struct wanted *w = &a->wanted[0];
	struct policy p;

	if (require_name(a->word, f) != 0)
		return -1;
	snprintf(w->entry, sizeof(w->entry), "%s", a->word);
	snprintf(w->origin, sizeof(w->origin), "%s", ORIGIN_UNBOUND);
	snprintf(w->variable, sizeof(w->variable), "%s", VARIABLE_UNBOUND);
	policy_default(&p);
	policy_format(&p, w->policy, sizeof(w->policy));
	a->count = 1;
	return 0;
}

static int add_load(struct add *a, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];

	if (a->key_only)
		return add_want_unbound(a, f);
	if (split_provider(a->word, name, mode, f) != 0)
		return -1;
	return provider_load(name, mode, &a->provider, f);
}

/*
 * Any model will do: none is in what is sealed.  What is agreed to is of this very load: the
 * files may be others by now.
 */
static int add_take_any_model(struct add *a, struct failure *f)
{
	const struct provider_answers answers = { .model = "any" };
	struct provider *p;

	if (provider_load_answered(a->provider->name, a->provider->mode, &answers, &p, f) != 0)
		return -1;
	provider_free(a->provider);
	a->provider = p;
	return 0;
}

/* The question that waited for the key. */
static int add_settle_model(struct add *a, struct failure *f)
{
	struct provider *p;

	a->set.n = 0; /* they are stored */
	if (provider_load(a->provider->name, a->provider->mode, &p, f) != 0)
		return -1;
	provider_free(a->provider);
	a->provider = p;
	return parameters_settle(&a->provider, &a->set, NULL, f);
}

static int add_want_provider(struct add *a, struct failure *f)
{
	int n;

	if (parameters_settle(&a->provider, &a->set, &a->model_later, f) != 0)
		return -1;
	if (a->provider->note[0])
		say("note: %s", a->provider->note);
	if (a->model_later && add_take_any_model(a, f) != 0)
		return -1;
	n = wanted_of(a->provider, a->wanted, f);
	if (n < 0)
		return -1;
	a->count = (unsigned)n;
	return 0;
}

/* One --source for each key. */
static int add_check_sources(const struct add *a, struct failure *f)
{
	if (a->refs == 0 || a->refs == a->count)
		return 0;
	return fail_set(f, FAIL_USAGE,
			"one --source for each, in the order that the provider's file has",
			"%s has %u keys, and %u sources were named", a->word, a->count, a->refs);
}

/* -t can shorten the files' ttl, not lengthen it.  A key with a source always has a
 * ttl: it may be changed there, so it must be fetched again some day. */
static int add_tighten_policies(struct add *a, struct failure *f)
{
	struct policy p;
	unsigned i;

	for (i = 0; (a->ttl || a->refs) && i < a->count; i++) {
		if (policy_parse(&p, a->wanted[i].policy, f) != 0)
			return -1;
		if (a->ttl && (p.ttl == 0 || p.ttl > a->ttl))
			p.ttl = a->ttl;
		if (p.ttl == 0)
			p.ttl = SOURCE_TTL;
		policy_format(&p, a->wanted[i].policy, sizeof(a->wanted[i].policy));
	}
	return 0;
}

static void add_drop_wanted(struct add *a, unsigned i)
{
	unsigned rest = a->count - i - 1;

	memmove(&a->wanted[i], &a->wanted[i + 1], rest * sizeof(a->wanted[0]));
	memmove(&a->over[i], &a->over[i + 1], rest * sizeof(a->over[0]));
	memmove(&a->ref[i], &a->ref[i + 1], rest * sizeof(a->ref[0]));
	a->count--;
}

/* An existing entry is replaced only with --replace or if the person agrees; others
 * are dropped from a->wanted. */
static int add_settle_existing(struct client *c, struct add *a, struct failure *f)
{
	char question[160];
	struct listed *list;
	unsigned i, n;
	bool yes;
	int r = -1;

	if (entries_fetch(c, &list, &n, f) != 0)
		return -1;
	for (i = 0; i < a->count;) {
		a->over[i] = entries_find(list, n, a->wanted[i].entry) != NULL;
		if (!a->over[i] || a->replace) {
			i++;
			continue;
		}
		fail_set(f, FAIL_EXISTS, NULL, "'%s' has a key already", a->wanted[i].entry);
		if (a->key_only)
			fail_hint(f, "ccctl add --key %s --replace", a->word);
		else
			fail_hint(f, "ccctl add %s --replace", a->word);
		if (!terminal_asks())
			goto out;
		snprintf(question, sizeof(question), "'%s' has a key already: replace it?",
			 a->wanted[i].entry);
		if (terminal_yes(question, &yes, f) != 0)
			goto out;
		if (yes)
			i++;
		else
			add_drop_wanted(a, i);
	}
	r = 0;
	if (a->count == 0)
		r = fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
out:
	free(list);
	return r;
}

/*
 * A new secret for e, which exists: its seal stays, with the ttl that was typed or is
 * shortest.  A source's ttl goes with the source.
 */
static int add_keep_seal(const struct add *a, struct wanted *w, const struct listed *e,
			 struct failure *f)
{
	struct policy p, sealed;

	if (policy_parse(&sealed, e->policy, f) != 0 || policy_parse(&p, w->policy, f) != 0)
		return -1;
	if (a->key_only) {
		memcpy(w->origin, e->origin, sizeof(w->origin));
		memcpy(w->variable, e->variable, sizeof(w->variable));
		sealed.ttl = p.ttl ? p.ttl : sealed.ttl;
		policy_format(&sealed, w->policy, sizeof(w->policy));
	} else if (a->ttl == 0 && (a->refs || !e->has_source)) {
		wanted_keep_choices(w, e);
	} else {
		/* The limit is the entry's, whatever its ttl becomes. */
		p.limit = sealed.limit;
		if (p.confirm < sealed.confirm)
			p.confirm = sealed.confirm;
		policy_format(&p, w->policy, sizeof(w->policy));
	}
	/* What sessions may start is not loosened by a new secret. */
	if (!a->key_only)
		wanted_keep_nested(w, e);
	/* Nobody is there to look at others. */
	if (!a->key_only && !terminal_asks())
		wanted_keep_prices(w, e);
	return 0;
}

/* e: what it takes the place of, or NULL. */
static int add_agree_first(const struct add *a, const struct wanted *w, const struct listed *e,
			   struct failure *f)
{
	if (e)
		return seals_agree_again(a->provider, w, e, &a->set, a->allow, a->allows, f);
	if (seals_agree_routes(a->provider, &a->set, a->allow, a->allows, ROUTE_NAMED, f) != 0)
		return -1;
	return seals_agree_first(a->provider, w, a->allow, a->allows, f);
}

/*
 * The new key gets the seal of e, which any program may have stored: also one that has written the
 * user's own file of the provider, so that both say the same.  On a terminal that is agreed to as
 * for a first key; without one, --replace and the passphrase, which is still to come, agree to it.
 */
static int add_agree_kept(const struct listed *e, struct failure *f)
{
	bool agreed;

	if (strcmp(e->origin, ORIGIN_UNBOUND) == 0)
		return 0;
	entry_say_seal(e);
	if (!terminal_asks())
		return 0;
	if (terminal_yes("seal the new key for that, too?", &agreed, f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/* Show what differs from the seals that are there, and have it agreed to. */
static int add_agree_changes(const struct add *a, const struct seal_change *ch, unsigned n,
			     struct failure *f)
{
	bool agreed;

	if (n == 0)
		return 0;
	if (!terminal_asks())
		return seals_fail_changed(a->provider, ch, f);
	seals_show_changes(a->provider, ch, n);
	if (terminal_yes("its provider's files say so now; seal that with the new key?", &agreed,
			 f) != 0)
		return -1;
	return agreed ? 0 : fail_set(f, FAIL_DECLINED, NULL, "nothing was changed");
}

/*
 * Before a key is asked for: files may have been edited by others, so nothing that they
 * say is sealed unseen.  A key that is replaced keeps what was decided for it.
 */
static int add_settle_seals(struct client *c, struct add *a, struct failure *f)
{
	struct seal_change ch[SESSION_ENTRIES_MAX];
	const struct listed *e;
	struct listed *list;
	unsigned i, n, changes = 0;
	bool agreed = a->key_only;
	int r = 0;

	if (client_connect(c, true, f) != 0 || entries_fetch(c, &list, &n, f) != 0)
		return -1;
	for (i = 0; r == 0 && i < a->count; i++) {
		e = entries_find(list, n, a->wanted[i].entry);
		if (e)
			r = add_keep_seal(a, &a->wanted[i], e, f);
		if (r == 0 && e && (a->key_only || !terminal_asks()))
			r = add_agree_kept(e, f);
		/* All keys of a provider have its one policy. */
		if (r == 0 && !agreed && (!e || terminal_asks())) {
			r = add_agree_first(a, &a->wanted[i], e, f);
			agreed = true;
		}
		if (r == 0 && e && !a->key_only && !wanted_is_sealed(&a->wanted[i], e))
			ch[changes++] = (struct seal_change){ .to = a->wanted[i], .from = *e };
	}
	free(list);
	return r == 0 ? add_agree_changes(a, ch, changes, f) : -1;
}

static int add_put_entry(struct client *c, const struct wanted *w, bool replace,
			 const struct entry_source *source, const uint8_t *token, size_t n,
			 struct failure *f)
{
	struct wire_out *o = wire_request("put");

	wire_put_str(o, "name", w->entry);
	wire_put_str(o, "origin", w->origin);
	wire_put_str(o, "variable", w->variable);
	wire_put_str(o, "policy", w->policy);
	wire_put_bool(o, "replace", replace);
	if (source)
		wire_put_source(o, source);
	if (n > 0)
		wire_put_secret(o, "token", token, n);
	return replace ? person_call(c, o, f) : client_call(c, o, f);
}

static int add_get_tokens(struct client *c, struct add *a, struct tokens *t,
			  struct entry_source source[SESSION_ENTRIES_MAX], struct failure *f)
{
	unsigned i;

	if (a->refs == 0)
		return tokens_get(c, t, a->wanted, a->count, a->provider, f);
	/* All are agreed to before the first runs. */
	for (i = 0; i < a->count; i++)
		if (source_settle(a->ref[i], a->allow, a->allows, &source[i], f) != 0)
			return -1;
	for (i = 0; i < a->count && !a->unchecked; i++)
		if (source_fetch_token(c, &source[i], t, i, f) != 0)
			return -1;
	return 0;
}

/* Putting another key in the place of one wants a person; a new one does not. */
static int add_identify(struct client *c, const struct add *a, struct failure *f)
{
	unsigned i;

	for (i = 0; i < a->count; i++)
		if (a->over[i])
			return person_identify(c, f);
	return 0;
}

static int add_store(struct client *c, struct add *a, struct failure *f)
{
	struct entry_source source[SESSION_ENTRIES_MAX];
	struct tokens t = { 0 };
	unsigned i;
	int r = -1;

	if (add_settle_existing(c, a, f) != 0 || add_settle_seals(c, a, f) != 0 ||
	    add_identify(c, a, f) != 0 || add_get_tokens(c, a, &t, source, f) != 0 ||
	    client_connect(c, true, f) != 0)
		goto out;
	for (i = 0; i < a->count; i++) {
		if (add_put_entry(c, &a->wanted[i], a->over[i], a->refs ? &source[i] : NULL, t.p[i],
				  t.n[i], f) != 0)
			goto out;
		if (a->refs) {
			say("'%s' comes from %s", a->wanted[i].entry, source[i].ref);
			source_note_shares(source[i].ref);
		}
		say("stored '%s', sealed for %s as %s", a->wanted[i].entry,
		    origin_url(a->wanted[i].origin), a->wanted[i].variable);
	}
	r = 0;
out:
	tokens_free(c, &t);
	return r;
}

static int add_run(struct client *c, struct add *a, struct failure *f)
{
	/* Read first, whether needed or not: the key may follow it on the same descriptor. */
	if (person_read_fd(c, a->pass_fd, f) != 0)
		return -1;
	if (add_load(a, f) != 0)
		return -1;
	/* Parameters first: they may decide whether a key is needed at all. */
	if (!a->key_only && add_want_provider(a, f) != 0)
		return -1;
	if (a->count > 0 && vault_ready(c, f) != 0)
		return -1;
	if (a->count == 0) {
		say("%s needs no key: ccrun %s", provider_called(a->provider), a->word);
		return 0;
	}
	if (add_check_sources(a, f) != 0 || add_tighten_policies(a, f) != 0 ||
	    add_store(c, a, f) != 0)
		return -1;
	if (a->model_later && add_settle_model(a, f) != 0)
		return -1;
	if (a->key_only && strcmp(a->wanted[0].origin, ORIGIN_UNBOUND) == 0)
		say("name it in a provider's file (secret = %s), then: ccctl approve %s", a->word,
		    a->word);
	return 0;
}

int verb_add(struct client *c, int argc, char **argv, struct failure *f)
{
	struct add a = { 0 };
	int r = add_parse(argc, argv, &a, f);

	if (r == 0)
		r = add_run(c, &a, f);
	if (a.provider)
		provider_free(a.provider);
	return r == 0 ? EXIT_DONE : -1;
}
