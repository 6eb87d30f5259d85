/*
 * client/list.c - ccctl list (providers) and ccctl keys (entries).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/fail.h"
#include "client/common/common.h"
#include "client/common/entries.h"
#include "config/provider/names.h"
#include "json/output.h"
#include "config/provider/provider.h"

/* What is known of the vault, from open to nothing. */
enum vault_view { VIEW_OPEN, VIEW_LOCKED, VIEW_NO_VAULT, VIEW_NO_BROKER, VIEW_UNKNOWN };

enum key_state {
	KEY_STORED, KEY_NONE_NEEDED, KEY_MISSING, KEY_DIFFERS, KEY_LOCKED, KEY_NO_VAULT,
	KEY_NO_BROKER, KEY_UNKNOWN
};

static const struct {
	const char *json, *text;
} key_words[] = {
	[KEY_STORED] = { "stored", "in vault" },
	[KEY_NONE_NEEDED] = { "none-needed", "none needed" },
	[KEY_MISSING] = { "missing", "missing" },
	[KEY_DIFFERS] = { "differs", "differs: approve" },
	[KEY_LOCKED] = { "locked", "vault locked" },
	[KEY_NO_VAULT] = { "no-vault", "no vault" },
	[KEY_NO_BROKER] = { "no-broker", "no broker" },
	[KEY_UNKNOWN] = { "unknown", "unknown" },
};

struct row {
	char *name;	    /* owned */
	struct provider *p; /* NULL when its files are wrong */
	struct failure why;
	enum key_state key;
	uint64_t used;
	char from[SOURCE_REF_MAX + 1]; /* of the first key that is there */
	char host[ORIGIN_MAX_LEN + 1];
	char modes[256];
	char no[sizeof(((struct provider *)0)->unverified) + 8]; /* "no: WHY", when not verified */
};

struct listing {
	struct row *row;
	unsigned rows;
	struct listed *entry;
	unsigned entries;
	enum vault_view view;
};

static const struct option json_options[] = {
	{ "json", no_argument, NULL, 256 }, { NULL, 0, NULL, 0 }
};

static int parse_json(int argc, char **argv, bool *json, struct failure *f)
{
	bool first = true;
	int opt;

	*json = false;
	while ((opt = next_option(&first, argc, argv, ":", json_options, f)) != -1) {
		if (opt == '?')
			return -1;
		*json = true;
	}
	return want_words(argc, argv, 0, f);
}

/* A listing of files works whatever the broker does. */
static enum vault_view view(struct client *c, struct listing *l)
{
	struct failure f = { 0 };

	if (client_connect(c, false, &f) != 0) {
		if (f.code == FAIL_NO_BROKER)
			return vault_file_exists() ? VIEW_NO_BROKER : VIEW_NO_VAULT;
		fail_print("ccctl", &f);
		return VIEW_UNKNOWN;
	}
	if (strcmp(c->state, "none") == 0)
		return VIEW_NO_VAULT;
	if (strcmp(c->state, "locked") == 0)
		return VIEW_LOCKED;
	if (entries_fetch(c, &l->entry, &l->entries, &f) == 0)
		return VIEW_OPEN;
	if (f.code == FAIL_LOCKED)
		return VIEW_LOCKED;
	fail_print("ccctl", &f);
	return VIEW_UNKNOWN;
}

/* The vault is open: are p's keys there, and sealed to what its files say? */
static void look_up(const struct listing *l, struct row *r)
{
	struct wanted w[SESSION_ENTRIES_MAX];
	int wanted = wanted_of(r->p, w, NULL);
	const struct listed *e;
	unsigned i;

	r->key = KEY_STORED;
	for (i = 0; i < r->p->secrets; i++) {
		e = entries_find(l->entry, l->entries, r->p->secret[i].entry);
		if (!e) {
			r->key = KEY_MISSING;
			return;
		}
		if (!r->from[0])
			snprintf(r->from, sizeof(r->from), "%s", entry_from(e));
		if (e->used > r->used)
			r->used = e->used;
		if (wanted > 0 && wanted_differs(&w[i], e))
			r->key = KEY_DIFFERS;
	}
}

static void fill(const struct listing *l, struct row *r)
{
	static const enum key_state by_view[] = {
		[VIEW_LOCKED] = KEY_LOCKED, [VIEW_NO_VAULT] = KEY_NO_VAULT,
		[VIEW_NO_BROKER] = KEY_NO_BROKER, [VIEW_UNKNOWN] = KEY_UNKNOWN,
	};
	const struct provider_param *lacks;
	unsigned i;
	size_t n = 0;

	r->key = KEY_UNKNOWN;
	if (provider_load(r->name, NULL, &r->p, &r->why) != 0) {
		r->p = NULL;
		return;
	}
	lacks = provider_missing(r->p);
	if (lacks)
		snprintf(r->host, sizeof(r->host), "(%s?)", lacks->name);
	else
		origin_host(r->p->origin, r->host, sizeof(r->host));
	for (i = 0; i < r->p->mode_count && n < sizeof(r->modes); i++)
		n += (size_t)snprintf(r->modes + n, sizeof(r->modes) - n, "%s%s", i ? " " : "",
				      r->p->modes[i]);
	snprintf(r->no, sizeof(r->no), "no: %s", r->p->unverified);
	if (r->p->secrets == 0)
		r->key = KEY_NONE_NEEDED;
	else if (l->view == VIEW_OPEN)
		look_up(l, r);
	else
		r->key = by_view[l->view];
}

/* Was it seen to work?  "-" for a file of one's own that does not say. */
static const char *verified_text(const struct row *r)
{
	if (!r->p || !r->p->verified[0])
		return "-";
	return r->p->unverified[0] ? r->no : "yes";
}

static void print_table(const struct listing *l)
{
	int name = 8, title = 5, modes = 5, key = 3, from = 4, host = 8, verified = 8;
	char time[TIME_TEXT];
	const struct row *r;
	unsigned i;

	for (i = 0; i < l->rows; i++) {
		r = &l->row[i];
		name = cell_width(r->name, name);
		title = cell_width(r->p ? r->p->title : "", title);
		modes = cell_width(r->modes, modes);
		key = cell_width(key_words[r->key].text, key);
		from = cell_width(r->from, from);
		host = cell_width(r->host, host);
		verified = cell_width(verified_text(r), verified);
	}
	put_cell("PROVIDER", name);
	put_cell("TITLE", title);
	put_cell("MODES", modes);
	put_cell("KEY", key);
	put_cell("FROM", from);
	put_cell("ENDPOINT", host);
	put_cell("VERIFIED", verified);
	puts("LAST USED");
	for (i = 0; i < l->rows; i++) {
		r = &l->row[i];
		put_cell(r->name, name);
		if (!r->p) {
			put_plain(r->why.what);
			putchar('\n');
			continue;
		}
		put_cell(r->p->title, title);
		put_cell(r->modes[0] ? r->modes : "-", modes);
		put_cell(key_words[r->key].text, key);
		put_cell(r->from[0] ? r->from : "-", from);
		put_cell(r->host[0] ? r->host : "-", host);
		put_cell(verified_text(r), verified);
		puts(r->used ? time_local(r->used, time) : "-");
	}
}

static struct json_t *row_json(const struct row *r)
{
	struct json_t *o = js_object(), *list = js_array();
	unsigned i;

	js_text(o, "name", r->name);
	js_text(o, "title", r->p ? r->p->title : NULL);
	for (i = 0; r->p && i < r->p->mode_count; i++)
		js_append_text(list, r->p->modes[i]);
	js_put(o, "modes", list);
	js_text(o, "key", key_words[r->key].json);
	list = js_array();
	for (i = 0; r->p && i < r->p->secrets; i++)
		js_append_text(list, r->p->secret[i].entry);
	js_put(o, "entries", list);
	js_text(o, "from", r->from[0] ? r->from : NULL);
	js_text(o, "endpoint", r->p && !provider_missing(r->p) && r->host[0] ? r->host : NULL);
	list = js_array();
	for (i = 0; r->p && i < r->p->params; i++)
		if (!r->p->param[i].value[0])
			js_append_text(list, r->p->param[i].name);
	js_put(o, "missing_parameters", list);
	js_text(o, "verified", r->p && r->p->verified[0] ? r->p->verified : NULL);
	js_text(o, "unverified", r->p && r->p->unverified[0] ? r->p->unverified : NULL);
	js_time(o, "used", r->used);
	js_text(o, "error", r->p ? NULL : r->why.what);
	return o;
}

static int print_json(const struct listing *l, struct failure *f)
{
	struct json_t *a = js_array();
	unsigned i;

	for (i = 0; i < l->rows; i++)
		js_append(a, row_json(&l->row[i]));
	return js_print(a, f);
}

static int gather(struct client *c, struct listing *l, struct failure *f)
{
	char **names;
	unsigned i, n;

	if (provider_names(&names, &n, f) != 0)
		return -1;
	l->row = calloc(n + 1, sizeof(*l->row));
	if (!l->row) {
		for (i = 0; i < n; i++)
			free(names[i]);
		free(names);
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a listing");
	}
	l->view = view(c, l);
	for (i = 0; i < n; i++) {
		l->row[i].name = names[i];
		fill(l, &l->row[i]);
	}
	l->rows = n;
	free(names);
	return 0;
}

int verb_list(struct client *c, int argc, char **argv, struct failure *f)
{
	struct listing l = { 0 };
	bool json;
	unsigned i;
	int r;

	if (parse_json(argc, argv, &json, f) != 0)
		return -1;
	r = gather(c, &l, f);
	if (r == 0 && json)
		r = print_json(&l, f);
	else if (r == 0)
		print_table(&l);
	for (i = 0; i < l.rows; i++) {
		free(l.row[i].name);
		if (l.row[i].p)
			provider_free(l.row[i].p);
	}
	free(l.row);
	free(l.entry);
	return r == 0 ? EXIT_DONE : -1;
}

/* ---- keys ---- */

struct json_t *entry_json(const struct listed *e)
{
	struct json_t *o = js_object();

	js_text(o, "name", e->name);
	js_text(o, "origin", e->origin);
	js_text(o, "variable", e->variable);
	js_text(o, "policy", e->policy);
	js_time(o, "created", e->created);
	js_time(o, "changed", e->changed);
	js_time(o, "used", e->used);
	js_text(o, "source", e->has_source ? e->source.ref : NULL);
	js_text(o, "command", e->has_source ? e->source.command : NULL);
	js_text(o, "pick", e->has_source ? e->source.pick : NULL);
	js_bool(o, "fetched", e->fetched);
	return o;
}

static void print_keys(const struct listed *e, unsigned n)
{
	int name = 4, variable = 8, from = 4, origin = 10;
	char time[TIME_TEXT];
	unsigned i;

	if (n == 0) {
		say("the vault is empty: ccctl add PROVIDER");
		return;
	}
	for (i = 0; i < n; i++) {
		name = cell_width(e[i].name, name);
		variable = cell_width(e[i].variable, variable);
		from = cell_width(entry_from(&e[i]), from);
		origin = cell_width(e[i].origin, origin);
	}
	put_cell("NAME", name);
	put_cell("VARIABLE", variable);
	put_cell("FROM", from);
	put_cell("SEALED FOR", origin);
	puts("LAST USED");
	for (i = 0; i < n; i++) {
		put_cell(e[i].name, name);
		put_cell(e[i].variable, variable);
		put_cell(entry_from(&e[i]), from);
		put_cell(e[i].origin, origin);
		puts(time_local(e[i].used, time));
	}
}

int verb_keys(struct client *c, int argc, char **argv, struct failure *f)
{
	struct listed *e = NULL;
	struct json_t *a;
	unsigned i, n;
	bool json;
	int r = 0;

	if (parse_json(argc, argv, &json, f) != 0 || client_connect(c, true, f) != 0 ||
	    entries_fetch(c, &e, &n, f) != 0)
		return -1;
	if (json) {
		a = js_array();
		for (i = 0; i < n; i++)
			js_append(a, entry_json(&e[i]));
		r = js_print(a, f);
	} else {
		print_keys(e, n);
	}
	free(e);
	return r == 0 ? EXIT_DONE : -1;
}
