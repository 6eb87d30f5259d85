/*
 * client/show.c - ccctl show: what an entry is bound to, and what its providers' files say now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/entry_json.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/show_provider.h"
#include "client/verbs.h"
#include "config/provider/provider.h"
#include "json/output.h"
#include "wire/endpoint.h"
#include "wire/policy.h"

#define USERS_MAX 16 /* providers of one entry that are shown */

/* One provider that uses the entry. */
struct user {
	char word[PROVIDER_WORD];
	struct wanted now; /* the binding in its files */
	bool lacks;	   /* a parameter is missing, so there is none yet */
	bool differs;
};

/* What the files of provider word say of entry e.  false: they do not name it. */
static bool show_read_user(const char *word, const struct listed *e, struct user *u)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	struct wanted w[SESSION_ENTRIES_MAX];
	struct provider *p;
	bool found = false;
	int i, n;

	if (split_provider(word, name, mode, NULL) != 0 || provider_load(name, mode, &p, NULL) != 0)
		return false;
	memset(u, 0, sizeof(*u));
	provider_word(p, u->word);
	u->lacks = provider_missing(p) != NULL;
	n = wanted_of(p, w, NULL);
	for (i = 0; i < n; i++)
		if (strcmp(w[i].entry, e->name) == 0) {
			u->now = w[i];
			u->differs = wanted_differs(&w[i], e);
			found = true;
		}
	provider_free(p);
	return found || u->lacks;
}

static int show_find_users(const struct listed *e, struct user out[USERS_MAX], struct failure *f)
{
	char word[USERS_MAX][PROVIDER_WORD];
	int i, n = providers_using(e->name, word, USERS_MAX, f), found = 0;

	if (n > USERS_MAX)
		n = USERS_MAX;
	for (i = 0; i < n; i++)
		if (show_read_user(word[i], e, &out[found]))
			found++;
	return n < 0 ? -1 : found;
}

static void show_line(const char *what, const char *text)
{
	printf("%-10s", what);
	put_plain(text);
	putchar('\n');
}

static void show_policy(const char *what, const char *policy)
{
	char words[POLICY_MAX_LEN + 1];

	policy_words(policy, words);
	show_line(what, words);
}

static void show_print_user(const struct user *u, const struct listed *e)
{
	show_line("provider", u->word);
	if (u->lacks)
		show_line("", "a parameter is missing: ccctl add");
	else if (!u->differs)
		show_line("", "its files say the same");
	if (!u->differs)
		return;
	if (!origin_is_sealed(e->origin, u->now.origin))
		show_line("  origin", u->now.origin);
	if (strcmp(u->now.variable, e->variable) != 0)
		show_line("  variable", u->now.variable);
	if (strcmp(u->now.policy, e->policy) != 0)
		show_policy("  policy", u->now.policy);
	printf("%-10sits files differ from what is sealed; if you changed them: ccctl approve %s\n",
	       "", u->word);
}

static void show_print_text(const struct listed *e, const struct user *u, int users)
{
	char time[DATE_TEXT];
	int i;

	show_line("name", e->name);
	show_line("origin", e->origin);
	show_line("variable", e->variable);
	show_policy("policy", e->policy);
	show_line("from", entry_source_text(e));
	if (e->has_source) {
		show_line("command", e->source.command);
		show_line("output", e->source.pick);
		show_line("fetched", e->fetched ? "in the broker's memory" : "not now");
	}
	show_line("created", date_local(e->created, time));
	show_line("changed", date_local(e->changed, time));
	show_line("used", date_local(e->used, time));
	for (i = 0; i < users; i++)
		show_print_user(&u[i], e);
	if (users == 0)
		show_line("provider", "none names it");
}

static int show_print_json(const struct listed *e, const struct user *u, int users,
			   struct json_t *sends, struct failure *f)
{
	struct json_t *o = entry_json(e), *a = js_array(), *p;
	int i;

	for (i = 0; i < users; i++) {
		p = js_object();
		js_text(p, "provider", u[i].word);
		js_text(p, "origin", u[i].lacks ? NULL : u[i].now.origin);
		js_text(p, "variable", u[i].lacks ? NULL : u[i].now.variable);
		js_text(p, "policy", u[i].lacks ? NULL : u[i].now.policy);
		js_bool(p, "differs", u[i].differs);
		js_append(a, p);
	}
	js_put(o, "files", a);
	if (sends)
		js_put(o, "sends", sends);
	return js_print(o, f);
}

static int show_entry_text(const struct listed *e, struct failure *f)
{
	struct user *u = calloc(USERS_MAX, sizeof(*u));
	int n;

	if (!u)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	n = show_find_users(e, u, f);
	if (n >= 0)
		show_print_text(e, u, n);
	free(u);
	return n < 0 ? -1 : 0;
}

/* e or p may be NULL, not both. */
static int show_json(const struct listed *e, struct provider *p, struct failure *f)
{
	struct json_t *sends = p ? show_provider_json(p) : NULL, *o;
	struct user *u;
	int n;

	if (!e) {
		o = js_object();
		js_put(o, "sends", sends);
		return js_print(o, f);
	}
	u = calloc(USERS_MAX, sizeof(*u));
	n = u ? show_find_users(e, u, f) : fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	if (n < 0)
		js_free(sends);
	else
		n = show_print_json(e, u, n, sends, f);
	free(u);
	return n;
}

/* The entry of that name in *out.  1, 0 there is none, -1 unknown (f set). */
static int show_fetch_entry(struct client *c, const char *name, struct listed *out,
			    struct failure *f)
{
	const struct listed *e = NULL;
	struct listed *list;
	unsigned n;

	if (strchr(name, ':'))
		return 0;
	if (client_connect(c, true, f) != 0 || entries_fetch(c, &list, &n, f) != 0)
		return -1;
	e = entries_find(list, n, name);
	if (e)
		*out = *e;
	free(list);
	return e != NULL;
}

int verb_show(struct client *c, int argc, char **argv, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	struct failure no_entry = { 0 }, no_provider = { 0 };
	bool json;
	struct provider *p = NULL;
	struct listed e;
	int r = 0, there;

	if (json_option(argc, argv, &json, f) != 0 || require_words(argc, argv, 1, f) != 0 ||
	    split_provider(argv[optind], name, mode, f) != 0)
		return -1;
	there = show_fetch_entry(c, argv[optind], &e, &no_entry);
	if (there < 0 && no_entry.code == FAIL_NO_VAULT)
		there = 0;
	if (provider_load(name, mode, &p, &no_provider) != 0 && (there <= 0 || mode[0])) {
		if (there < 0 || no_provider.code != FAIL_NO_ENTRY || mode[0]) {
			*f = there < 0 ? no_entry : no_provider;
			return -1;
		}
		fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'", name);
		entries_hint(c, name, f);
		return -1;
	}
	if (json && there >= 0) {
		r = show_json(there ? &e : NULL, p, f);
	} else if (!json) {
		r = there > 0 ? show_entry_text(&e, f) : 0;
		if (p)
			show_provider(p);
		if (p && there == 0 && p->secrets && !mode[0])
			printf("key       not in the vault: ccctl add %s\n", name);
	}
	provider_free(p);
	/* The provider was printed without the vault; the entry could not be. */
	if (there < 0) {
		*f = no_entry;
		return -1;
	}
	return r == 0 ? EXIT_DONE : -1;
}
