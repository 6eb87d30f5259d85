/*
 * client/list.c - ccctl list: the providers, and which have their key.
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
#include "client/common/table.h"
#include "client/common/trials.h"
#include "client/verbs.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "json/output.h"
#include "spec/spec.h"

enum vault_view { VIEW_OPEN, VIEW_LOCKED, VIEW_NO_VAULT, VIEW_NO_BROKER, VIEW_UNKNOWN };

enum key_state {
	KEY_STORED,
	KEY_NONE_NEEDED,
	KEY_MISSING,
	KEY_DIFFERS,
	KEY_LOCKED,
	KEY_NO_VAULT,
	KEY_NO_BROKER,
	KEY_UNKNOWN
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
	char from[SOURCE_REF_MAX + 1]; /* where the first key that exists comes from */
	char host[ORIGIN_MAX_LEN + 1]; /* or "(PARAMETER?)" while one is missing */
	char modes[256];
	struct tried *tried; /* modes that were tried (ccctl test), the newest first; owned */
	unsigned trials;
	char verified[96];
};

/* A provider's mode, and what its last trial came to. */
struct tried {
	const char *mode; /* "" for none */
	struct kept_trial kept;
	bool current; /* neither files nor keys changed since */
};

struct listing {
	struct row *row;
	unsigned rows;
	struct listed *entry;
	unsigned entries;
	enum vault_view view;
};

/* Never fails: the provider files can be listed without a broker. */
static enum vault_view list_view_vault(struct client *c, struct listing *l)
{
	struct failure f = { 0 };

	if (client_connect(c, false, &f) != 0) {
		if (f.code == FAIL_NO_BROKER)
			return user_vault_file_exists() ? VIEW_NO_BROKER : VIEW_NO_VAULT;
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

/* The vault is open: do the provider's entries exist, and are they bound to what its
 * files say? */
static void list_look_up(const struct listing *l, struct row *r)
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
			snprintf(r->from, sizeof(r->from), "%s", entry_source_text(e));
		if (e->used > r->used)
			r->used = e->used;
		if (wanted > 0 && wanted_differs(&w[i], e))
			r->key = KEY_DIFFERS;
	}
}

static void list_fill_row(const struct listing *l, struct row *r)
{
	static const enum key_state by_view[] = {
		[VIEW_LOCKED] = KEY_LOCKED,
		[VIEW_NO_VAULT] = KEY_NO_VAULT,
		[VIEW_NO_BROKER] = KEY_NO_BROKER,
		[VIEW_UNKNOWN] = KEY_UNKNOWN,
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
	if (r->p->secrets == 0)
		r->key = KEY_NONE_NEEDED;
	else if (l->view == VIEW_OPEN)
		list_look_up(l, r);
	else
		r->key = by_view[l->view];
}

/* ---- trials ---- */

static void list_add_trial(const struct listing *l, struct row *r, const char *mode)
{
	struct tried t = { .mode = mode };
	struct provider *p = NULL;
	struct trial_subject now;
	unsigned i;

	if (!trial_kept(r->name, mode, &t.kept))
		return;
	t.current = provider_load(r->name, mode, &p, NULL) == 0 &&
		    trial_subject_of(p, l->view == VIEW_OPEN ? l->entry : NULL, l->entries, &now,
				     NULL) == 0 &&
		    trial_subject_same(&t.kept.subject, &now);
	if (p)
		provider_free(p);
	for (i = r->trials++; i > 0 && r->tried[i - 1].kept.at < t.kept.at; i--)
		r->tried[i] = r->tried[i - 1];
	r->tried[i] = t;
}

static void list_find_trials(const struct listing *l, struct row *r)
{
	unsigned i;

	if (!r->p)
		return;
	r->tried = calloc(r->p->mode_count + 1, sizeof(*r->tried));
	if (!r->tried)
		return;
	list_add_trial(l, r, "");
	for (i = 0; i < r->p->mode_count; i++)
		list_add_trial(l, r, r->p->modes[i]);
}

/* What is known of the provider itself; else of the mode that was tried last. */
static const struct tried *list_trial(const struct row *r)
{
	unsigned i;

	for (i = 0; i < r->trials; i++)
		if (!r->tried[i].mode[0])
			return &r->tried[i];
	return r->trials ? &r->tried[0] : NULL;
}

/* Does it work, as far as that was tried here? */
static void list_set_verified(struct row *r)
{
	const struct tried *t = list_trial(r);
	const char *mode = t && t->mode[0] ? ":" : "";
	char date[DATE_TEXT];

	if (!t)
		snprintf(r->verified, sizeof(r->verified), "not tried here");
	else if (!t->current)
		snprintf(r->verified, sizeof(r->verified), "%s%.20s%snot tried since a change",
			 mode, t->mode, mode[0] ? " " : "");
	else if (trial_works(t->kept.outcome))
		snprintf(r->verified, sizeof(r->verified), "%s%.20s%sworked on %.10s", mode,
			 t->mode, mode[0] ? " " : "", date_local(t->kept.at, date));
	else
		snprintf(r->verified, sizeof(r->verified), "%s%.20s%sfailed on %.10s: %s", mode,
			 t->mode, mode[0] ? " " : "", date_local(t->kept.at, date),
			 trial_name(t->kept.outcome));
}

/* ---- the table ---- */

/* What a person has comes first: keys, then what works without one, then what is the person's
 * own or may have a key that nobody sees now. */
enum list_rank { RANK_KEY, RANK_WORKS, RANK_OWN, RANK_NOT_SEEN, RANK_REST };

static enum list_rank list_rank(const struct row *r)
{
	const struct tried *t = list_trial(r);
	bool works = t && t->current && trial_works(t->kept.outcome);

	if (r->key == KEY_STORED || r->key == KEY_DIFFERS)
		return RANK_KEY;
	if (r->p && works)
		return RANK_WORKS;
	if (!r->p || r->p->users_file[0] || t)
		return RANK_OWN;
	if (r->key == KEY_LOCKED || r->key == KEY_NO_BROKER || r->key == KEY_UNKNOWN)
		return RANK_NOT_SEEN;
	return RANK_REST;
}

static int list_add_row(struct table *t, const struct row *r, struct failure *f)
{
	char time[DATE_TEXT];
	const char *cells[TABLE_COLUMNS] = { r->name, r->why.what };

	if (r->p) {
		cells[1] = r->p->title;
		cells[2] = r->modes[0] ? r->modes : "-";
		cells[3] = key_words[r->key].text;
		cells[4] = r->from[0] ? r->from : "-";
		cells[5] = r->host[0] ? r->host : "-";
		cells[6] = r->verified;
		cells[7] = r->used ? date_local(r->used, time) : "-";
	}
	return table_add_row(t, cells, f);
}

/* How the rows that are left out are seen. */
static void list_say_more(const struct listing *l, unsigned shown)
{
	unsigned left = l->rows - shown;

	if (left == 0)
		return;
	if (shown == 0)
		say("none of the %u providers has a key yet: ccctl list --all shows them", left);
	else
		say("%u more, without a key: ccctl list --all", left);
}

static int list_print_table(const struct listing *l, bool all, struct failure *f)
{
	static const struct table_column column[TABLE_COLUMNS] = {
		{ "PROVIDER", 0 }, { "TITLE", 4 },    { "MODES", 2 },	 { "KEY", 0 },
		{ "FROM", 5 },	   { "ENDPOINT", 3 }, { "VERIFIED", 0 }, { "LAST USED", 1 },
	};
	struct table t = { .column = column, .columns = TABLE_COLUMNS };
	unsigned i, most = all ? RANK_REST : RANK_NOT_SEEN, rank;
	int r = 0;

	for (rank = 0; rank <= most; rank++)
		for (i = 0; i < l->rows && r == 0; i++)
			if (list_rank(&l->row[i]) == rank)
				r = list_add_row(&t, &l->row[i], f);
	if (r == 0 && t.rows > 0)
		table_print(&t);
	if (r == 0)
		list_say_more(l, t.rows);
	table_free(&t);
	return r;
}

static struct json_t *list_trials_json(const struct row *r)
{
	struct json_t *list = js_array(), *o;
	const struct tried *t;
	unsigned i;

	for (i = 0; i < r->trials; i++) {
		t = &r->tried[i];
		o = js_object();
		js_text(o, "mode", t->mode[0] ? t->mode : NULL);
		js_text(o, "outcome", trial_name(t->kept.outcome));
		js_bool(o, "works", trial_works(t->kept.outcome));
		js_text(o, "model", t->kept.model[0] ? t->kept.model : NULL);
		js_time(o, "at", t->kept.at);
		js_bool(o, "current", t->current);
		js_append(list, o);
	}
	return list;
}

static struct json_t *list_row_json(const struct row *r)
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
	js_put(o, "tried", list_trials_json(r));
	js_time(o, "used", r->used);
	js_text(o, "error", r->p ? NULL : r->why.what);
	return o;
}

static int list_print_json(const struct listing *l, struct failure *f)
{
	struct json_t *a = js_array();
	unsigned i;

	for (i = 0; i < l->rows; i++)
		js_append(a, list_row_json(&l->row[i]));
	return js_print(a, f);
}

static int list_gather(struct client *c, struct listing *l, struct failure *f)
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
	l->view = list_view_vault(c, l);
	for (i = 0; i < n; i++) {
		l->row[i].name = names[i];
		list_fill_row(l, &l->row[i]);
		list_find_trials(l, &l->row[i]);
		list_set_verified(&l->row[i]);
	}
	l->rows = n;
	free(names);
	return 0;
}

int verb_list(struct client *c, int argc, char **argv, struct failure *f)
{
	struct listing l = { 0 };
	bool first = true, json = false, all = false;
	unsigned i;
	int opt, r;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		json = json || opt == OPTION_JSON;
		all = all || opt == OPTION_ALL;
	}
	if (require_words(argc, argv, 0, f) != 0)
		return -1;
	r = list_gather(c, &l, f);
	if (r == 0 && json)
		r = list_print_json(&l, f);
	else if (r == 0)
		r = list_print_table(&l, all, f);
	for (i = 0; i < l.rows; i++) {
		free(l.row[i].name);
		free(l.row[i].tried);
		if (l.row[i].p)
			provider_free(l.row[i].p);
	}
	free(l.row);
	free(l.entry);
	return r == 0 ? EXIT_DONE : -1;
}
