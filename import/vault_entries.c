/*
 * import/vault_entries.c - what the vault has of the accounts, and storing the rest.
 */
#include "import/vault_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/parameters.h"
#include "client/common/seals.h"
#include "client/common/sources.h"
#include "client/common/terminal.h"
#include "import/accounts.h"
#include "import/match_provider.h"
#include "import/outside.h"
#include "import/token_variables.h"
#include "import/variables.h"
#include "wire/policy.h"
#include "config/provider/auth.h"
#include "config/provider/overlay.h"
#include "config/provider/params.h"

enum entry_match { ENTRY_FAILED = -1, ENTRY_DIFFERS, ENTRY_SAME };

/* Has the entry this account's token or source? */
static enum entry_match entry_match_account(struct import *im, const struct account *a,
					    const char *entry, struct failure *f)
{
	const struct listed *e = entries_find(im->entry, im->entries, entry);
	struct wire_out *o;
	bool same = false;

	if (a->kind == ACCOUNT_SOURCE || e->has_source) {
		same = a->kind == ACCOUNT_SOURCE && e->has_source &&
		       strcmp(e->source.ref, a->ref) == 0;
		return same ? ENTRY_SAME : ENTRY_DIFFERS;
	}
	o = wire_request("match");
	wire_put_str(o, "name", entry);
	wire_put_secret(o, "token", a->token, a->n);
	if (client_call(im->c, o, f) != 0 ||
	    wire_get_bool(im->c->dial.in.top, "same", &same, f) != 0)
		return ENTRY_FAILED;
	return same ? ENTRY_SAME : ENTRY_DIFFERS;
}

/* Did an account before number i take the name, for another value? */
static bool name_is_claimed(const struct import *im, unsigned i, const char *entry)
{
	unsigned k;

	for (k = 0; k < i; k++)
		if (im->account[k].twin == k && im->account[k].state != STATE_LEFT &&
		    strcmp(im->account[k].entry, entry) == 0)
			return true;
	return false;
}

/* NAME-2, or the next name that is free or has this value already. */
static int account_take_next_name(struct import *im, unsigned i, struct failure *f)
{
	struct account *a = &im->account[i];
	struct known_provider k = { .secret = true };
	char name[NAME_MAX_LEN + 1];
	enum entry_match r = ENTRY_DIFFERS;
	unsigned n;

	for (n = 2; r == ENTRY_DIFFERS; n++) {
		snprintf(name, sizeof(name), "%.56s-%u", a->entry, n);
		if (name_is_claimed(im, i, name))
			continue;
		if (entries_find(im->entry, im->entries, name))
			r = entry_match_account(im, a, name, f);
		else if (!match_name_taken(im, name))
			break;
	}
	if (r == ENTRY_FAILED)
		return -1;
	a->state = r == ENTRY_SAME ? STATE_SAME : STATE_OTHER;
	memcpy(a->parent, a->provider, sizeof(a->parent));
	memcpy(a->provider, name, sizeof(name));
	memcpy(a->entry, name, sizeof(name));
	memcpy(k.name, name, sizeof(name));
	memcpy(k.entry, name, sizeof(name));
	return match_add_provider(im, &k, f);
}

static int account_compare(struct import *im, unsigned i, struct failure *f)
{
	struct account *a = &im->account[i];

	a->state = STATE_NEW;
	if (name_is_claimed(im, i, a->entry))
		return account_take_next_name(im, i, f);
	if (!im->open) {
		a->state = STATE_OPEN;
		return 0;
	}
	if (!entries_find(im->entry, im->entries, a->entry))
		return 0;
	switch (entry_match_account(im, a, a->entry, f)) {
	case ENTRY_SAME:
		a->state = STATE_SAME;
		return 0;
	case ENTRY_DIFFERS:
		return account_take_next_name(im, i, f);
	default:
		return -1;
	}
}

int vault_entries_compare(struct import *im, struct failure *f)
{
	struct account *a;
	unsigned i;

	if (im->open && entries_fetch(im->c, &im->entry, &im->entries, f) != 0)
		return -1;
	for (i = 0; i < im->accounts; i++) {
		a = &im->account[i];
		if (a->kind == ACCOUNT_UNKNOWN || a->kind == ACCOUNT_BAD || !a->provider[0]) {
			a->state = STATE_LEFT;
		} else if (a->twin != i) {
			/* The same value: what becomes of the first account becomes of this. */
			a->state = im->account[a->twin].state;
			memcpy(a->entry, im->account[a->twin].entry, sizeof(a->entry));
			memcpy(a->provider, im->account[a->twin].provider, sizeof(a->provider));
		} else if (account_compare(im, i, f) != 0) {
			return -1;
		}
	}
	return 0;
}

/* Does the answer, which a file gives, say whose address it is?  One among those that ship does
 * not, nor does a region, as far as it is one label of a vendor's name. */
static bool answer_is_address(const struct provider *p, const struct provider_param *q,
			      const char *value)
{
	char place[sizeof(q->name) + 4];

	snprintf(place, sizeof(place), "${%s}", q->name);
	if (!strstr(p->origin, place) || q->choices[0])
		return false;
	return strcmp(q->name, "region") != 0 ||
	       value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0';
}

/* Set the provider's missing parameters: from variables beside the token, the address,
 * their defaults, or by asking. */
static int parameters_settle_for(const struct import *im, const struct account *a,
				 const struct provider *p, struct given_params *given,
				 struct failure *f)
{
	static const char *const from[][2] = { { "region", "AWS_REGION" },
					       { "region", "AWS_DEFAULT_REGION" },
					       { "resource", "ANTHROPIC_FOUNDRY_RESOURCE" },
					       { "url", "ANTHROPIC_BASE_URL" },
					       { "model", "ANTHROPIC_MODEL" },
					       { "model", "ANTHROPIC_DEFAULT_OPUS_MODEL" },
					       { "model", "ANTHROPIC_DEFAULT_SONNET_MODEL" },
					       { "context", "CLAUDE_CODE_MAX_CONTEXT_TOKENS" } };
	char value[SETTING_VALUE_MAX + 1], question[PARAMETER_QUESTION], purpose[PARAMS_PURPOSE];
	const struct assignment *v;
	unsigned i, k;
	bool found, typed;

	for (i = 0; i < p->params; i++) {
		const struct provider_param *q = &p->param[i];

		if (q->value[0])
			continue;
		typed = false;
		value[0] = '\0';
		for (k = 0; k < sizeof(from) / sizeof(from[0]) && !value[0]; k++) {
			if (strcmp(from[k][0], q->name) != 0)
				continue;
			v = variable_visible(im, a->file, account_variable(im, a)->scope,
					     from[k][1]);
			if (v)
				variable_text(im, a->file, v, value);
		}
		found = value[0] ||
			match_url_template(p->base_url, a->base_url, q->name, value, sizeof(value));
		if (!found)
			snprintf(value, sizeof(value), "%s", q->fallback);
		if (!value[0] && !im->yes && terminal_asks()) {
			parameter_question(p, q, true, "", question);
			if (terminal_line(question, value, sizeof(value), f) != 0)
				return -1;
			found = typed = value[0] != '\0';
		}
		if (value[0] && provider_set_param(p->name, q->name, value, f) != 0)
			return -1;
		/* What stands beside a reference is nobody's answer. */
		if (found &&
		    (typed || a->kind != ACCOUNT_SOURCE || !answer_is_address(p, q, value)))
			given_params_note(given, q->name, value);
		if (!value[0]) {
			params_purpose(q, purpose, sizeof(purpose));
			fail_set(f, FAIL_CONFIG, NULL, "%s needs to know its %s (%s)", p->name,
				 q->name, purpose);
			fail_hint(f,
				  "ccctl add %s --set %s=..., or the value first and then import "
				  "again",
				  p->name, q->name);
			return -1;
		}
	}
	return 0;
}

/* The provider as its files are now, with nothing missing; given: what was not in them. */
static int provider_load_settled(const struct import *im, const struct account *a, const char *name,
				 struct provider **out, struct given_params *given,
				 struct failure *f)
{
	struct provider *p;
	int r;

	given->values = 0;
	if (provider_load(name, a->provider_mode, &p, f) != 0)
		return -1;
	if (!provider_missing(p)) {
		*out = p;
		return 0;
	}
	r = parameters_settle_for(im, a, p, given, f);
	provider_free(p);
	return r == 0 ? provider_load(name, a->provider_mode, out, f) : -1;
}

/* Its file is written by an import, and says something else already. */
static int fail_other_route(const struct provider *p, const char *to, struct failure *f)
{
	return fail_set(f, FAIL_CHANGED, "ccctl import again, when nothing else writes there",
			"%s was changed meanwhile: it says %.200s as %s, and not %.200s",
			p->users_file, p->origin, p->secrets ? p->secret[0].variable : "nothing",
			to);
}

/* Does p say what stood beside the key, and was shown: its address, as its variable is used? */
static bool route_is_of_key(const struct import *im, const struct account *a,
			    const struct provider *p)
{
	const struct client_variable *v = client_variable_find(account_variable(im, a)->name);
	const char *url = a->base_url[0] ? a->base_url : "https://api.anthropic.com";
	const char *variable = v ? auth_variable(v->auth) : NULL;

	return variable && p->auth == v->auth && strcmp(origin_url(p->origin), url) == 0 &&
	       p->secrets == 1 && strcmp(p->secret[0].variable, variable) == 0;
}

static int route_check_parent(const struct provider *p, const struct provider *parent,
			      struct failure *f)
{
	if (strcmp(p->origin, parent->origin) == 0 && p->secrets == 1 && parent->secrets > 0 &&
	    strcmp(p->secret[0].variable, parent->secret[0].variable) == 0)
		return 0;
	return fail_other_route(p, parent->origin, f);
}

/*
 * Nothing but what was found has chosen the provider.  Where its files do not say what stood
 * beside the key, or what is shipped, a person agrees or the key is left.
 */
static int routes_agree(const struct import *im, const struct account *a, const struct provider *p,
			const struct given_params *given, struct failure *f)
{
	bool is = !p->users_over[0] && route_is_of_key(im, a, p);
	enum route_choice choice = a->kind == ACCOUNT_SOURCE ? ROUTE_OF_REFERENCE : ROUTE_OF_TOKEN;

	/* A token that stands there is no secret from who can write there.  What a reference leads
	 * to is, and so the address beside it is that of whoever wrote it. */
	if (is && choice == ROUTE_OF_TOKEN)
		return 0;
	if (a->fresh && !is)
		return fail_other_route(p, a->base_url[0] ? a->base_url : "the usual address", f);
	return seals_agree_routes(p, given, NULL, 0, choice, f);
}

/* The provider, when where its key goes is agreed to. */
static int provider_load_agreed(const struct import *im, const struct account *a,
				struct provider **out, struct failure *f)
{
	const bool second = a->parent[0] != '\0';
	struct given_params given = { .n = 0 };
	struct provider *p, *parent;
	int r;

	if (provider_load_settled(im, a, second ? a->parent : a->provider, &p, &given, f) != 0)
		return -1;
	r = routes_agree(im, a, p, &given, f);
	if (r == 0 && second) {
		/* The file of the second one is written, and says no more than who it uses. */
		parent = p;
		r = provider_load(a->provider, a->provider_mode, &p, f);
		if (r == 0)
			r = route_check_parent(p, parent, f);
		else
			p = NULL;
		provider_free(parent);
	}
	if (r == 0)
		*out = p;
	else
		provider_free(p);
	return r;
}

/* What the account's entry is to be sealed to, as its provider's files say. */
static int wanted_for(const struct import *im, const struct account *a, struct wanted *out,
		      struct failure *f)
{
	struct wanted all[SESSION_ENTRIES_MAX];
	struct provider *p;
	int n, i, r = -1;

	if (provider_load_agreed(im, a, &p, f) != 0)
		return -1;
	n = wanted_of(p, all, f);
	for (i = 0; i < n && r != 0; i++)
		if (strcmp(all[i].entry, a->entry) == 0) {
			*out = all[i];
			r = 0;
		}
	if (n >= 0 && r != 0)
		fail_set(f, FAIL_CONFIG, NULL, "provider %s does not use the entry '%s'",
			 a->provider, a->entry);
	if (r == 0)
		r = seals_agree_first(p, out, NULL, 0, f);
	provider_free(p);
	return r;
}

static int entry_put(struct import *im, const struct account *a, const struct wanted *w,
		     const struct entry_source *source, struct failure *f)
{
	struct wire_out *o = wire_request("put");

	wire_put_str(o, "name", w->entry);
	wire_put_str(o, "origin", w->origin);
	wire_put_str(o, "variable", w->variable);
	wire_put_str(o, "policy", w->policy);
	wire_put_bool(o, "replace", false);
	if (source)
		wire_put_source(o, source);
	else
		wire_put_secret(o, "token", a->token, a->n);
	return client_call(im->c, o, f);
}

/*
 * An entry that holds a reference in the place of a token, as ccctl add
 * --source --no-check makes it: the manager is not asked now.
 */
static int source_settle_for(const struct account *a, struct wanted *w, struct entry_source *source,
			     struct failure *f)
{
	struct policy p;

	if (source_settle(a->ref, NULL, 0, source, f) != 0) {
		/* The user need not find the reference in the file again. */
		fail_hint(f, "when it can be: ccctl add %s --source %s --no-check", a->provider,
			  a->ref);
		return -1;
	}
	if (policy_parse(&p, w->policy, f) != 0)
		return -1;
	if (p.ttl == 0)
		p.ttl = SOURCE_TTL;
	policy_format(&p, w->policy, sizeof(w->policy));
	return 0;
}

int vault_entries_store(struct import *im, struct account *a, struct failure *f)
{
	bool by_source = a->kind == ACCOUNT_SOURCE;
	struct entry_source source;
	struct wanted w;

	if (wanted_for(im, a, &w, f) != 0 ||
	    (by_source && source_settle_for(a, &w, &source, f) != 0) ||
	    outside_connect(im->c, f) != 0)
		return -1;
	return entry_put(im, a, &w, by_source ? &source : NULL, f);
}
