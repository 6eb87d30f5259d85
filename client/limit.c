/*
 * client/limit.c - ccctl limit: how much of an entry may be used, and how much was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/seals_meaning.h"
#include "client/common/table.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"
#include "wire/limit_text.h"
#include "wire/policy.h"

#define USERS_MAX 8 /* providers whose prices are shown */
#define CELL (LIMIT_AMOUNT + LIMIT_TEXT + 8)
#define USED (LIMIT_KINDS * (CELL + 2))

static const char *const kind_keys[LIMIT_KINDS] = {
	[LIMIT_TOKENS] = "tokens", [LIMIT_MONEY] = "micros", [LIMIT_REQUESTS] = "requests"
};
static const char *const kind_titles[LIMIT_KINDS] = {
	[LIMIT_TOKENS] = "TOKENS", [LIMIT_MONEY] = "COST", [LIMIT_REQUESTS] = "REQUESTS"
};

/* The words of the limit as one text. */
static int limit_read_words(char **words, int n, struct limit *l, char text[LIMIT_TEXT],
			    struct failure *f)
{
	size_t used = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (strlen(words[i]) + 2 > LIMIT_TEXT - used)
			return fail_set(f, FAIL_USAGE, "like 5M/day '$10/day' 200/hour",
					"this is too long for a limit");
		used += (size_t)snprintf(text + used, LIMIT_TEXT - used, "%s%s", i ? " " : "",
					 words[i]);
	}
	if (limit_parse(l, text, f) != 0) {
		f->code = FAIL_USAGE;
		/* What a shell makes of $10/day: nothing for $1, and the rest. */
		for (i = 0; i < n; i++)
			if (words[i][0] == '0' || words[i][0] == '/')
				fail_hint(f, "for a limit in dollars, quote it: '$10/day'");
		return -1;
	}
	limit_format(l, text);
	return 0;
}

struct limit_windows {
	struct {
		uint64_t ends, used[LIMIT_KINDS];
	} of[LIMIT_PERIODS];
};

static int limit_read_windows(struct wire_map m, struct limit_windows *w, struct failure *f)
{
	struct wire_map item;
	unsigned i, n;
	int kind;

	if (wire_get_array(m, "windows", &n, f) != 0)
		return -1;
	if (n != LIMIT_PERIODS)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker has other periods");
	for (i = 0; i < n; i++) {
		if (wire_get_item(m, "windows", i, &item, f) != 0 ||
		    wire_get_uint(item, "ends", &w->of[i].ends, f) != 0)
			return -1;
		for (kind = 0; kind < LIMIT_KINDS; kind++)
			if (wire_get_uint(item, kind_keys[kind], &w->of[i].used[kind], f) != 0)
				return -1;
	}
	return 0;
}

/* "$3.10 of $10" where the limit is for that period, else what was used. */
static void limit_fill_cell(char out[CELL], const struct limit *l, enum limit_period per,
			    enum limit_kind kind, uint64_t used)
{
	char amount[LIMIT_AMOUNT], most[LIMIT_TEXT];
	struct limit one = { 0 };

	limit_format_amount(kind, used, amount);
	one.of[kind] = l->of[kind];
	if (one.of[kind].most && one.of[kind].per == per) {
		limit_format(&one, most);
		most[strcspn(most, "/")] = '\0';
		snprintf(out, CELL, "%s of %s", amount, most);
	} else {
		snprintf(out, CELL, "%s", amount);
	}
}

static void limit_print(const char *name, const struct limit *l, const struct limit_windows *w,
			bool blind)
{
	char words[LIMIT_WORDS], cell[LIMIT_PERIODS][LIMIT_KINDS][CELL], ends[DATE_TEXT];
	int width[LIMIT_KINDS], per, kind;

	limit_describe(l, words);
	printf("limit of %s: %s\n\n", name, words);
	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		width[kind] = cell_width(kind_titles[kind], 0);
		for (per = 0; per < LIMIT_PERIODS; per++) {
			limit_fill_cell(cell[per][kind], l, (enum limit_period)per,
					(enum limit_kind)kind, w->of[per].used[kind]);
			width[kind] = cell_width(cell[per][kind], width[kind]);
		}
	}
	put_cell("USED IN", 7);
	put_cell("UNTIL", 16);
	for (kind = 0; kind < LIMIT_KINDS - 1; kind++)
		put_cell(kind_titles[kind], width[kind]);
	puts(kind_titles[kind]);
	for (per = 0; per < LIMIT_PERIODS; per++) {
		put_cell(limit_period_name((enum limit_period)per), 7);
		put_cell(date_local(w->of[per].ends, ends), 16);
		for (kind = 0; kind < LIMIT_KINDS - 1; kind++)
			put_cell(cell[per][kind], width[kind]);
		puts(cell[per][kind]);
	}
	if (blind)
		puts("\nNo price is known for some answers: their cost is not in here.");
}

static int limit_print_json(const char *text, const struct limit_windows *w, bool blind,
			    struct failure *f)
{
	struct json_t *o = js_object(), *a = js_array(), *item;
	int per, kind;

	js_text(o, "limit", strcmp(text, "off") == 0 ? NULL : text);
	for (per = 0; per < LIMIT_PERIODS; per++) {
		item = js_object();
		js_text(item, "period", limit_period_name((enum limit_period)per));
		js_time(item, "ends", w->of[per].ends);
		for (kind = 0; kind < LIMIT_KINDS; kind++)
			js_number(item, kind == LIMIT_MONEY ? "cost_micros" : kind_keys[kind],
				  w->of[per].used[kind]);
		js_append(a, item);
	}
	js_put(o, "windows", a);
	js_bool(o, "cost_incomplete", blind);
	return js_print(o, f);
}

/* Ask the broker for an entry's limit and what was used of it. */
static int limit_fetch(struct client *c, const char *name, char text[LIMIT_TEXT], struct limit *l,
		       struct limit_windows *w, bool *blind, struct failure *f)
{
	struct wire_out *o = wire_request("limit");

	wire_put_str(o, "name", name);
	if (client_call(c, o, f) != 0) {
		entries_hint(c, name, f);
		return -1;
	}
	return wire_get_text(c->dial.in.top, "limit", text, LIMIT_TEXT, f) != 0 ||
			       wire_get_bool(c->dial.in.top, "blind", blind, f) != 0 ||
			       limit_parse(l, text, f) != 0 ||
			       limit_read_windows(c->dial.in.top, w, f) != 0
		       ? -1
		       : 0;
}

static int limit_show(struct client *c, const char *name, bool json, struct failure *f)
{
	char text[LIMIT_TEXT];
	struct limit_windows w;
	struct limit l;
	bool blind;

	if (limit_fetch(c, name, text, &l, &w, &blind, f) != 0)
		return -1;
	if (json)
		return limit_print_json(text, &w, blind, f);
	limit_print(name, &l, &w, blind);
	return 0;
}

/* The limit of an entry, as it is sealed with it. */
static int limit_of_listed(const struct listed *e, struct limit *l, struct failure *f)
{
	struct policy p;

	if (policy_parse(&p, e->policy, f) != 0)
		return -1;
	*l = p.limit;
	return 0;
}

static int limit_list_json(const struct listed *e, unsigned n, struct failure *f)
{
	struct json_t *a = js_array(), *o;
	char text[LIMIT_TEXT];
	struct limit l;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (limit_of_listed(&e[i], &l, f) != 0) {
			js_free(a);
			return -1;
		}
		limit_format(&l, text);
		o = js_object();
		js_text(o, "name", e[i].name);
		js_text(o, "limit", limit_is_set(&l) ? text : NULL);
		js_append(a, o);
	}
	return js_print(a, f);
}

/* "3000 of 5M, $1 of $10": of each kind that the limit has. */
static void limit_fill_used(char out[USED], const struct limit *l, const struct limit_windows *w)
{
	char cell[CELL];
	size_t used = 0;
	int kind;

	out[0] = '\0';
	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		enum limit_period per = l->of[kind].per;

		if (!l->of[kind].most)
			continue;
		limit_fill_cell(cell, l, per, (enum limit_kind)kind, w->of[per].used[kind]);
		used += (size_t)snprintf(out + used, USED - used, "%s%s", used ? ", " : "", cell);
	}
}

static int limit_add_row(struct client *c, struct table *t, const char *name, struct failure *f)
{
	char text[LIMIT_TEXT], words[LIMIT_WORDS], used[USED];
	const char *cells[] = { name, words, used };
	struct limit_windows w;
	struct limit l;
	bool blind;

	if (limit_fetch(c, name, text, &l, &w, &blind, f) != 0)
		return -1;
	limit_describe(&l, words);
	limit_fill_used(used, &l, &w);
	return table_add_row(t, cells, f);
}

static int limit_list_text(struct client *c, const struct listed *e, unsigned n, struct failure *f)
{
	static const struct table_column column[] = { { "NAME", 0 },
						      { "LIMIT", 0 },
						      { "USED", 0 } };
	struct table t = { .column = column, .columns = 3 };
	struct limit l;
	unsigned i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		r = limit_of_listed(&e[i], &l, f);
		if (r == 0 && limit_is_set(&l))
			r = limit_add_row(c, &t, e[i].name, f);
	}
	if (r == 0 && t.rows > 0)
		table_print(&t);
	else if (r == 0)
		say("no key has a limit; ccctl limit NAME 5M/day sets one");
	table_free(&t);
	return r;
}

/* Those that have one; for a program, all. */
static int limit_list(struct client *c, bool json, struct failure *f)
{
	struct listed *e;
	unsigned n;
	int r;

	if (client_connect(c, true, f) != 0 || entries_fetch(c, &e, &n, f) != 0)
		return -1;
	r = json ? limit_list_json(e, n, f) : limit_list_text(c, e, n, f);
	free(e);
	return r;
}

/* A limit in money counts by what the files of word say, if that is what was sealed with the key. */
static void limit_say_prices_of(const char *word, const struct listed *e)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	struct wanted w[SESSION_ENTRIES_MAX];
	struct provider *p;
	int i, n;

	if (split_provider(word, name, mode, NULL) != 0 || provider_load(name, mode, &p, NULL) != 0)
		return;
	n = wanted_of(p, w, NULL);
	for (i = 0; i < n; i++) {
		if (strcmp(w[i].entry, e->name) != 0)
			continue;
		if (!wanted_has_prices_of(&w[i], e))
			say("the files of %s say other prices than were sealed with '%s', so no "
			    "launch of it uses the key; if you changed them: ccctl approve %s",
			    word, e->name, word);
		else if (p->prices)
			say("%s has these prices:", word);
		if (p->prices)
			seal_say_prices(p, say);
	}
	provider_free(p);
}

static void limit_say_prices(struct client *c, const char *entry)
{
	char word[USERS_MAX][PROVIDER_WORD];
	struct failure f;
	struct listed e;
	int i, n = 0;

	if (entry_require(c, entry, &e, &f) == 0)
		n = providers_using(entry, word, USERS_MAX, &f);
	for (i = 0; i < n && i < USERS_MAX; i++)
		limit_say_prices_of(word[i], &e);
}

/* Raising or removing a limit wants a person. */
static int limit_set(struct client *c, const char *name, const struct limit *to, const char *text,
		     struct failure *f)
{
	char was[LIMIT_TEXT], words[LIMIT_WORDS], before[LIMIT_WORDS];
	struct limit_windows w;
	struct wire_out *o;
	struct limit from;
	bool loosens, blind;

	if (limit_fetch(c, name, was, &from, &w, &blind, f) != 0)
		return -1;
	loosens = limit_loosens(&from, to);
	limit_describe(&from, before);
	if (loosens && terminal_asks())
		say("the limit of %s is %s; what allows more wants you: a passphrase or recovery "
		    "code",
		    name, before);
	if (loosens && person_identify(c, f) != 0)
		return -1;
	o = wire_request("limit-set");
	wire_put_str(o, "name", name);
	wire_put_str(o, "limit", text);
	if ((loosens ? person_call : client_call)(c, o, f) != 0) {
		entries_hint(c, name, f);
		return -1;
	}
	limit_describe(to, words);
	if (limit_is_set(&from) && strcmp(before, words) != 0)
		say("limit of %s: %s (before: %s)", name, words, before);
	else
		say("limit of %s: %s", name, words);
	if (to->of[LIMIT_MONEY].most && !from.of[LIMIT_MONEY].most)
		limit_say_prices(c, name);
	return 0;
}

int verb_limit(struct client *c, int argc, char **argv, struct failure *f)
{
	char text[LIMIT_TEXT];
	struct limit l;
	const char *name;
	int words, r;
	bool first = true, json = false;
	int opt, fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0))
			return -1;
		json = json || opt == OPTION_JSON;
	}
	words = argc - optind;
	if (words < 1)
		return limit_list(c, json, f) == 0 ? EXIT_DONE : -1;
	name = argv[optind];
	if (require_name(name, f) != 0)
		return -1;
	if (words > 1 && json)
		return fail_set(f, FAIL_USAGE, NULL, "--json shows a limit, and sets none");
	if (words > 1 && limit_read_words(argv + optind + 1, words - 1, &l, text, f) != 0)
		return -1;
	if (person_read_fd(c, fd, f) != 0 || vault_ready(c, f) != 0)
		return -1;
	r = words > 1 ? limit_set(c, name, &l, text, f) : limit_show(c, name, json, f);
	return r == 0 ? EXIT_DONE : -1;
}
