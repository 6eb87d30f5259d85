/*
 * client/common/entries.c - the vault's entries as the broker lists them, and what the
 * provider files say that they should be bound to.
 */
#include "client/common/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/shell_word.h"
#include "client/common/connection.h"
#include "client/common/output.h"
#include "config/ini/nearest.h"
#include "config/provider/delivery.h"
#include "config/provider/env_sealed.h"
#include "config/provider/names.h"
#include "config/provider/params.h"
#include "vault/crypto.h"
#include "wire/endpoint.h"
#include "wire/policy.h"

#define CA_FILE_MAX (1024 * 1024) /* bytes, as for a launch */
#define ENTRIES_MAX 4096 /* in a listing; bounds what a broken broker can make us allocate */

static int entries_read_item(struct wire_map m, struct listed *e, struct failure *f)
{
	if (wire_get_text(m, "name", e->name, sizeof(e->name), f) != 0 ||
	    wire_get_text(m, "origin", e->origin, sizeof(e->origin), f) != 0 ||
	    wire_get_text(m, "variable", e->variable, sizeof(e->variable), f) != 0 ||
	    wire_get_text(m, "policy", e->policy, sizeof(e->policy), f) != 0 ||
	    wire_get_uint(m, "created", &e->created, f) != 0 ||
	    wire_get_uint(m, "changed", &e->changed, f) != 0 ||
	    wire_get_uint(m, "used", &e->used, f) != 0 ||
	    wire_get_source(m, &e->source, &e->has_source, f) != 0)
		return -1;
	e->fetched = false;
	return e->has_source ? wire_get_bool(m, "fetched", &e->fetched, f) : 0;
}

const char *entry_source_text(const struct listed *e)
{
	return e->has_source ? e->source.ref : "vault";
}

const char *entry_delivery(const struct listed *e)
{
	struct policy p;

	return policy_parse(&p, e->policy, NULL) == 0 ? delivery_name(p.delivery) : "-";
}

const char *entry_confirm(const struct listed *e)
{
	struct policy p;

	return policy_parse(&p, e->policy, NULL) == 0 ? confirm_name(p.confirm) : "-";
}

static int entries_read_page(struct client *c, struct listed **list, unsigned *n, bool *more,
			     struct failure *f)
{
	struct wire_out *o = wire_request("list");
	struct wire_map item;
	struct listed *grown;
	unsigned i, count;

	wire_put_str(o, "after", *n ? (*list)[*n - 1].name : "");
	if (client_call(c, o, f) != 0 || wire_get_bool(c->dial.in.top, "more", more, f) != 0 ||
	    wire_get_array(c->dial.in.top, "entries", &count, f) != 0)
		return -1;
	if (count > ENTRIES_MAX - *n || (count == 0 && *more))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker's listing does not end");
	grown = realloc(*list, (*n + count + 1) * sizeof(**list));
	if (!grown)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a listing");
	*list = grown;
	for (i = 0; i < count; i++, (*n)++)
		if (wire_get_item(c->dial.in.top, "entries", i, &item, f) != 0 ||
		    entries_read_item(item, &grown[*n], f) != 0)
			return -1;
	return 0;
}

int entries_fetch(struct client *c, struct listed **out, unsigned *n, struct failure *f)
{
	bool more = true;

	*out = NULL;
	*n = 0;
	while (more)
		if (entries_read_page(c, out, n, &more, f) != 0) {
			free(*out);
			*out = NULL;
			*n = 0;
			return -1;
		}
	return 0;
}

void entry_say_seal(const struct listed *e)
{
	char words[POLICY_MAX_LEN + 1];

	policy_words(e->policy, words);
	say("'%s' is sealed for %s as %s, with %s", e->name, e->origin, e->variable, words);
}

void entries_say_seals(struct client *c)
{
	struct listed *e;
	unsigned i, n;

	if (entries_fetch(c, &e, &n, NULL) != 0)
		return;
	for (i = 0; i < n; i++)
		entry_say_seal(&e[i]);
	free(e);
}

const struct listed *entries_find(const struct listed *list, unsigned n, const char *name)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

int entry_require(struct client *c, const char *name, struct listed *out, struct failure *f)
{
	const struct listed *e;
	struct listed *list;
	unsigned n;

	if (entries_fetch(c, &list, &n, f) != 0)
		return -1;
	e = entries_find(list, n, name);
	if (e)
		*out = *e;
	free(list);
	if (e)
		return 0;
	fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'", name);
	entries_hint(c, name, f);
	return -1;
}

/* The entry whose name is nearest, else the provider. */
static void entries_hint_near(struct client *c, const char *name, struct failure *f)
{
	char provider[NAME_MAX_LEN + 1];
	const char **names = NULL, *near = NULL;
	struct listed *list = NULL;
	unsigned i, n = 0;

	if (entries_fetch(c, &list, &n, NULL) == 0)
		names = calloc(n + 1, sizeof(*names));
	if (names) {
		for (i = 0; i < n; i++)
			names[i] = list[i].name;
		near = nearest_word(name, names, n);
	}
	if (near)
		fail_hint(f, "did you mean %s?", near);
	else if (provider_near(name, provider))
		fail_hint(f, "did you mean %s?", provider);
	free(names);
	free(list);
}

void entries_hint(struct client *c, const char *name, struct failure *f)
{
	struct failure why = { 0 };
	struct provider *p = NULL;
	unsigned i;

	if (f->code != FAIL_NO_ENTRY)
		return;
	if (provider_load(name, NULL, &p, &why) != 0) {
		if (why.code == FAIL_NO_ENTRY)
			entries_hint_near(c, name, f);
		return;
	}
	if (p->secrets == 0) {
		fail_hint(f, "provider %s needs no key", name);
	} else if (p->secrets == 1 && strcmp(p->secret[0].entry, name) == 0) {
		fail_hint(f, "ccctl add %s", name);
	} else {
		fail_hint(f, "provider %s uses", name);
		for (i = 0; i < p->secrets; i++)
			fail_hint_add(f, i ? ", %s" : " %s", p->secret[i].entry);
	}
	provider_free(p);
}

/*
 * The authorities that a relay would trust besides the system's.  A file that cannot be
 * read is none: no launch gets as far as using it.
 */
static void wanted_find_ca(const struct provider *p, struct policy *policy,
			   char file[NETWORK_VALUE_MAX + 1])
{
	struct network network;
	char *text = NULL;
	size_t n = 0;

	file[0] = '\0';
	if (policy->delivery != DELIVERY_RELAY || network_of_person(p, &network, NULL) != 0 ||
	    !network.ca.text[0] || io_slurp(network.ca.text, CA_FILE_MAX, &text, &n, NULL) != 0)
		return;
	if (n > 0) {
		seal_digest(policy->ca, text, n);
		memcpy(file, network.ca.text, sizeof(network.ca.text));
	}
	free(text);
}

/* Where there are none, what policy has: none. */
static void wanted_set_prices(const struct provider *p, struct policy *policy)
{
	char text[PRICES_SEALED_MAX + 1];
	size_t n = prices_sealed_text(p->price, p->prices, text);

	if (n > 0)
		seal_digest(policy->prices, text, n);
}

int wanted_of(const struct provider *p, struct wanted out[SESSION_ENTRIES_MAX], struct failure *f)
{
	char env[ENV_SEALED_MAX + 1], ca_file[NETWORK_VALUE_MAX + 1];
	struct policy policy = p->policy;
	unsigned i, k;
	int n;

	if (provider_missing(p))
		return provider_fail_missing(p, f);
	n = provider_env_sealed(p, env, f);
	if (n < 0)
		return -1;
	if (n > 0)
		seal_digest(policy.env, env, (size_t)n);
	policy.exposed = policy.exposed || p->exposed;
	policy.delivery = provider_delivery_sealed(p);
	policy.nested = provider_nested_sealed(p);
	wanted_find_ca(p, &policy, ca_file);
	wanted_set_prices(p, &policy);
	for (i = 0; i < p->secrets; i++) {
		/* edit compares them by their bytes */
		memset(&out[i], 0, sizeof(out[i]));
		out[i].usual = provider_delivery_usual(p);
		out[i].usual_nested = provider_nested_usual(p);
		out[i].says_nested = p->says_nested;
		memcpy(out[i].ca_file, ca_file, strlen(ca_file) + 1);
		snprintf(out[i].entry, sizeof(out[i].entry), "%s", p->secret[i].entry);
		snprintf(out[i].origin, sizeof(out[i].origin), "%s", p->origin);
		snprintf(out[i].variable, sizeof(out[i].variable), "%s", p->secret[i].variable);
		policy_format(&policy, out[i].policy, sizeof(out[i].policy));
		for (k = 0; k < i; k++)
			if (strcmp(out[k].entry, out[i].entry) == 0)
				return fail_set(
					f, FAIL_CONFIG, "give each variable an entry of its own",
					"provider %s: %s and %s share the entry '%s', which is "
					"sealed to one variable",
					p->name, out[k].variable, out[i].variable, out[i].entry);
	}
	return (int)p->secrets;
}

/* Files ask for a yes more often, never less: that is ccctl confirm's. */
static void policy_keep_confirm(struct policy *files, const struct policy *sealed)
{
	if (files->confirm < sealed->confirm)
		files->confirm = sealed->confirm;
}

void wanted_keep_choices(struct wanted *w, const struct listed *e)
{
	struct policy files, sealed;

	if (policy_parse(&files, w->policy, NULL) != 0 ||
	    policy_parse(&sealed, e->policy, NULL) != 0)
		return;
	if (sealed.ttl != 0 && (files.ttl == 0 || files.ttl > sealed.ttl))
		files.ttl = sealed.ttl;
	files.limit = sealed.limit;
	policy_keep_confirm(&files, &sealed);
	policy_format(&files, w->policy, sizeof(w->policy));
}

static void policy_keep_nested(const struct wanted *w, struct policy *files,
			       const struct policy *sealed)
{
	if (!w->says_nested && sealed->nested < files->nested)
		files->nested = sealed->nested;
}

void wanted_keep_nested(struct wanted *w, const struct listed *e)
{
	struct policy files, sealed;

	if (policy_parse(&files, w->policy, NULL) != 0 ||
	    policy_parse(&sealed, e->policy, NULL) != 0)
		return;
	policy_keep_nested(w, &files, &sealed);
	policy_format(&files, w->policy, sizeof(w->policy));
}

/* Without a limit in money nothing counts by them, and no launch is refused for them. */
static void policy_keep_prices(struct policy *files, const struct policy *sealed)
{
	if (sealed->limit.of[LIMIT_MONEY].most == 0)
		memcpy(files->prices, sealed->prices, sizeof(files->prices));
}

void wanted_keep_prices(struct wanted *w, const struct listed *e)
{
	struct policy files, sealed;

	if (policy_parse(&files, w->policy, NULL) != 0 ||
	    policy_parse(&sealed, e->policy, NULL) != 0)
		return;
	policy_keep_prices(&files, &sealed);
	policy_format(&files, w->policy, sizeof(w->policy));
}

bool wanted_has_prices_of(const struct wanted *w, const struct listed *e)
{
	struct policy files, sealed;

	return policy_parse(&files, w->policy, NULL) == 0 &&
	       policy_parse(&sealed, e->policy, NULL) == 0 &&
	       strcmp(files.prices, sealed.prices) == 0;
}

bool wanted_is_sealed(const struct wanted *w, const struct listed *e)
{
	char now[POLICY_MAX_LEN + 1], then[POLICY_MAX_LEN + 1];
	struct policy files, sealed;

	if (policy_parse(&files, w->policy, NULL) != 0 ||
	    policy_parse(&sealed, e->policy, NULL) != 0)
		return false;
	if (sealed.delivery == DELIVERY_AUTO)
		sealed.delivery = w->usual;
	files.ttl = sealed.ttl = 0;
	files.limit = sealed.limit; /* no file says one */
	policy_keep_confirm(&files, &sealed);
	policy_keep_nested(w, &files, &sealed);
	policy_keep_prices(&files, &sealed);
	policy_format(&files, now, sizeof(now));
	policy_format(&sealed, then, sizeof(then));
	return origin_is_sealed(e->origin, w->origin) && strcmp(w->variable, e->variable) == 0 &&
	       strcmp(now, then) == 0;
}

bool wanted_differs(const struct wanted *w, const struct listed *e)
{
	struct policy files, sealed;

	if (!wanted_is_sealed(w, e) || policy_parse(&files, w->policy, NULL) != 0 ||
	    policy_parse(&sealed, e->policy, NULL) != 0)
		return true;
	return files.ttl != sealed.ttl &&
	       (sealed.ttl == 0 || (files.ttl && files.ttl < sealed.ttl));
}

const char *origin_url(const char *origin)
{
	const char *space = strchr(origin, ' ');

	return space ? space + 1 : origin;
}

void origin_host(const char *origin, char *out, size_t size)
{
	const char *url = origin_url(origin), *host = strstr(url, "://");

	host = host ? host + 3 : "";
	snprintf(out, size, "%.*s", (int)strcspn(host, "/"), host);
}

void provider_word(const struct provider *p, char out[PROVIDER_WORD])
{
	snprintf(out, PROVIDER_WORD, "%s%s%s", p->name, p->mode[0] ? ":" : "", p->mode);
}

int provider_fail_missing(const struct provider *p, struct failure *f)
{
	const struct provider_param *first = NULL, *q;
	char word[PROVIDER_WORD], purpose[PARAMS_PURPOSE];
	struct failure mend = { 0 };
	unsigned i;

	provider_word(p, word);
	fail_hint(&mend, "ccctl add %s", word);
	for (i = 0; i < p->params; i++) {
		q = &p->param[i];
		/* What has a default need not be given. */
		if (q->value[0] || q->fallback[0])
			continue;
		if (!first)
			first = q;
		fail_hint_add(&mend, " --set %s=...", q->name);
	}
	if (!first)
		first = provider_missing(p);
	params_purpose(first, purpose, sizeof(purpose));
	return fail_set(f, FAIL_USAGE, mend.hint, "provider %s lacks '%s': %s", word, first->name,
			purpose);
}

/* Does NAME[:MODE] use the entry?  Not if its files do not load.  out: NULL, or where
 * the provider is stored. */
static bool provider_uses(const char *name, const char *mode, const char *entry,
			  struct provider **out)
{
	struct provider *p = NULL;
	bool found = false;
	unsigned i;

	if (provider_load(name, mode, &p, NULL) != 0)
		return false;
	for (i = 0; i < p->secrets; i++)
		found = found || strcmp(p->secret[i].entry, entry) == 0;
	if (out)
		*out = p;
	else
		provider_free(p);
	return found;
}

/* NAME or the first NAME:MODE that uses the entry, in word.  false: none does. */
static bool provider_using_form(const char *name, const char *entry, char word[PROVIDER_WORD])
{
	struct provider *p = NULL;
	bool found = provider_uses(name, NULL, entry, &p);
	unsigned i;

	snprintf(word, PROVIDER_WORD, "%s", name);
	for (i = 0; p && !found && i < p->mode_count; i++) {
		found = provider_uses(name, p->modes[i], entry, NULL);
		snprintf(word, PROVIDER_WORD, "%s:%s", name, p->modes[i]);
	}
	if (p)
		provider_free(p);
	return found;
}

int providers_using(const char *entry, char out[][PROVIDER_WORD], int max, struct failure *f)
{
	char **names, word[PROVIDER_WORD];
	unsigned i, count;
	int n = 0;

	if (provider_names(&names, &count, f) != 0)
		return -1;
	for (i = 0; i < count; i++) {
		if (provider_using_form(names[i], entry, word)) {
			if (n < max)
				memcpy(out[n], word, sizeof(word));
			n++;
		}
		free(names[i]);
	}
	free(names);
	return n;
}
