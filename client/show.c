/*
 * client/show.c - ccctl show: what is sealed, and what the files say now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common.h"
#include "client/entries.h"
#include "client/json.h"
#include "config/provider.h"

#define USERS_MAX 16 /* providers of one entry that are shown */

/* One provider that uses the entry. */
struct user {
	char word[PROVIDER_WORD];
	struct wanted now; /* what its files say */
	bool lacks;	   /* a parameter is missing, so they say nothing yet */
	bool differs;
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 256 }, { NULL, 0, NULL, 0 }
};

/* What provider word's files say of entry e.  false: they do not name it. */
static bool look(const char *word, const struct listed *e, struct user *u)
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

static int find_users(const struct listed *e, struct user out[USERS_MAX], struct failure *f)
{
	char word[USERS_MAX][PROVIDER_WORD];
	int i, n = providers_using(e->name, word, USERS_MAX, f), found = 0;

	if (n > USERS_MAX)
		n = USERS_MAX;
	for (i = 0; i < n; i++)
		if (look(word[i], e, &out[found]))
			found++;
	return n < 0 ? -1 : found;
}

static void line(const char *what, const char *text)
{
	printf("%-10s", what);
	put_plain(text);
	putchar('\n');
}

static void print_user(const struct user *u, const struct listed *e)
{
	line("provider", u->word);
	if (u->lacks)
		line("", "a parameter is missing: ccctl add");
	else if (!u->differs)
		line("", "its files say the same");
	if (!u->differs)
		return;
	if (strcmp(u->now.origin, e->origin) != 0)
		line("  origin", u->now.origin);
	if (strcmp(u->now.variable, e->variable) != 0)
		line("  variable", u->now.variable);
	if (strcmp(u->now.policy, e->policy) != 0)
		line("  policy", u->now.policy);
	printf("%-10sits files differ from what is sealed; if you changed them: ccctl approve %s\n", "",
	       u->word);
}

static void print_text(const struct listed *e, const struct user *u, int users)
{
	char time[TIME_TEXT];
	int i;

	line("name", e->name);
	line("origin", e->origin);
	line("variable", e->variable);
	line("policy", e->policy);
	line("from", entry_from(e));
	if (e->has_source) {
		line("command", e->source.command);
		line("output", e->source.pick);
		line("fetched", e->fetched ? "in the broker's memory" : "not now");
	}
	line("created", time_local(e->created, time));
	line("changed", time_local(e->changed, time));
	line("used", time_local(e->used, time));
	for (i = 0; i < users; i++)
		print_user(&u[i], e);
	if (users == 0)
		line("provider", "none names it");
}

static int print_json(const struct listed *e, const struct user *u, int users, struct failure *f)
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
	return js_print(o, f);
}

static int show(const struct listed *e, bool json, struct failure *f)
{
	struct user *u = calloc(USERS_MAX, sizeof(*u));
	int n, r = 0;

	if (!u)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
	n = find_users(e, u, f);
	if (n < 0)
		r = -1;
	else if (json)
		r = print_json(e, u, n, f);
	else
		print_text(e, u, n);
	free(u);
	return r;
}

int verb_show(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, json = false;
	const struct listed *e;
	struct listed *list;
	unsigned n;
	int opt, r;

	while ((opt = next_option(&first, argc, argv, ":", options, f)) != -1) {
		if (opt == '?')
			return -1;
		json = true;
	}
	if (want_words(argc, argv, 1, f) != 0 || want_name(argv[optind], f) != 0 ||
	    client_connect(c, true, f) != 0 || entries_fetch(c, &list, &n, f) != 0)
		return -1;
	e = entries_find(list, n, argv[optind]);
	if (e) {
		r = show(e, json, f);
	} else {
		r = fail_set(f, FAIL_NO_ENTRY, "ccctl keys lists them", "there is no entry '%s'",
			     argv[optind]);
		entries_hint(argv[optind], f);
	}
	free(list);
	return r == 0 ? EXIT_DONE : -1;
}
