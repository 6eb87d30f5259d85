/*
 * client/sessions.c - ccctl sessions: the live sessions, and ending some.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/table.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"

#define SESSIONS_MAX 4096 /* in a list; bounds what a broken broker can make us allocate */
#define SHORT_ID 8	  /* digits that are shown, and more where those are not enough */

struct live_session {
	char id[17];
	char provider[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], entry[NAME_MAX_LEN + 1];
	char delivery[16], image[256];
	char inside[17]; /* the id of the session that it belongs to, or "" */
	uint64_t pid, since;
	bool by_relay; /* then what follows is known */
	uint64_t requests, refusals;
	bool has_value, ended;
	bool gone; /* it has ended itself, and others are inside it */
};

struct live_sessions {
	struct live_session *at;
	unsigned n;
	bool locked; /* the vault is */
};

/* ---- what the broker says ---- */

static int session_read(struct wire_map m, struct live_session *s, struct failure *f)
{
	if (wire_get_text(m, "id", s->id, sizeof(s->id), f) != 0 ||
	    wire_get_text(m, "provider", s->provider, sizeof(s->provider), f) != 0 ||
	    wire_get_text(m, "mode", s->mode, sizeof(s->mode), f) != 0 ||
	    wire_get_text(m, "entry", s->entry, sizeof(s->entry), f) != 0 ||
	    wire_get_text(m, "delivery", s->delivery, sizeof(s->delivery), f) != 0 ||
	    wire_get_text(m, "image", s->image, sizeof(s->image), f) != 0 ||
	    wire_get_uint(m, "pid", &s->pid, f) != 0 ||
	    wire_get_uint(m, "since", &s->since, f) != 0)
		return -1;
	if (wire_has(m, "inside") &&
	    wire_get_text(m, "inside", s->inside, sizeof(s->inside), f) != 0)
		return -1;
	s->by_relay = wire_has(m, "requests");
	if (!s->by_relay)
		return 0;
	if (wire_get_uint(m, "requests", &s->requests, f) != 0 ||
	    wire_get_uint(m, "refusals", &s->refusals, f) != 0 ||
	    wire_get_bool(m, "has_value", &s->has_value, f) != 0)
		return -1;
	return wire_get_bool(m, "ended", &s->ended, f);
}

/* One page from *after on, which becomes where the next one begins; 0: there is none. */
static int sessions_read_page(struct client *c, struct live_sessions *l, uint64_t *after,
			      struct failure *f)
{
	struct wire_out *o = wire_request("sessions");
	struct live_session *grown;
	struct wire_map item;
	uint64_t from = *after;
	unsigned i, count;

	wire_put_uint(o, "after", from);
	if (client_call(c, o, f) != 0 || wire_get_uint(c->dial.in.top, "next", after, f) != 0 ||
	    wire_get_array(c->dial.in.top, "sessions", &count, f) != 0)
		return -1;
	if (count > SESSIONS_MAX - l->n || (*after != 0 && *after <= from))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker's list does not end");
	grown = realloc(l->at, (l->n + count + 1) * sizeof(*grown));
	if (!grown)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a list");
	l->at = grown;
	for (i = 0; i < count; i++, l->n++) {
		memset(&grown[l->n], 0, sizeof(*grown));
		if (wire_get_item(c->dial.in.top, "sessions", i, &item, f) != 0 ||
		    session_read(item, &grown[l->n], f) != 0)
			return -1;
	}
	return 0;
}

/* Where no broker runs, there are none.  l->at is to be freed in any case. */
static int sessions_fetch(struct client *c, struct live_sessions *l, struct failure *f)
{
	uint64_t after = 0;

	memset(l, 0, sizeof(*l));
	if (client_connect(c, false, f) != 0)
		return f->code == FAIL_NO_BROKER ? 0 : -1;
	l->locked = strcmp(c->state, "unlocked") != 0;
	do
		if (sessions_read_page(c, l, &after, f) != 0)
			return -1;
	while (after != 0);
	return 0;
}

/* ---- listing ---- */

/* Where the key is: "held" by the relay; "unused" until a request needs it; not given
 * because the vault is "locked" or the session was "ended"; the program's "own". */
static const char *session_state(const struct live_sessions *l, const struct live_session *s)
{
	if (!s->by_relay)
		return "own";
	if (s->ended)
		return "ended";
	if (s->has_value)
		return "held";
	return l->locked ? "locked" : "unused";
}

static void session_name(const struct live_session *s, char out[2 * NAME_MAX_LEN + 2])
{
	snprintf(out, 2 * NAME_MAX_LEN + 2, "%s%s%s", s->provider, s->mode[0] ? ":" : "", s->mode);
}

/* "13:00" of today, "01-31 13:00" of another day. */
static void session_since(const struct live_session *s, char out[DATE_TEXT])
{
	char now[DATE_TEXT], then[DATE_TEXT];
	const char *today = date_local((uint64_t)time(NULL), now);
	const char *text = date_local(s->since, then);

	if (strlen(text) > 11)
		text += strncmp(text, today, 11) == 0 ? 11 : 5;
	snprintf(out, DATE_TEXT, "%s", text);
}

static void session_requests(const struct live_session *s, char out[64])
{
	out[0] = '\0';
	if (s->by_relay && s->refusals)
		snprintf(out, 64, "%llu (%llu refused)", (unsigned long long)s->requests,
			 (unsigned long long)s->refusals);
	else if (s->by_relay)
		snprintf(out, 64, "%llu", (unsigned long long)s->requests);
}

/* Digits with which no two of them begin alike. */
static int sessions_id_digits(const struct live_sessions *l)
{
	int digits = SHORT_ID;
	unsigned i, j;

	for (i = 0; i < l->n; i++)
		for (j = 0; j < i; j++)
			while (digits < 16 &&
			       strncmp(l->at[i].id, l->at[j].id, (size_t)digits) == 0)
				digits++;
	return digits;
}

static int session_add_row(struct table *t, const struct live_sessions *l,
			   const struct live_session *s, int digits, struct failure *f)
{
	const char *program = strrchr(s->image, '/');
	char id[17], name[2 * NAME_MAX_LEN + 2], since[DATE_TEXT], requests[64], pid[24], what[320];
	const char *cells[TABLE_COLUMNS] = { id,    name, s->delivery, session_state(l, s),
					     since, pid,  requests,    what };

	snprintf(id, sizeof(id), "%.*s", digits, s->id);
	session_name(s, name);
	session_since(s, since);
	session_requests(s, requests);
	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)s->pid);
	snprintf(what, sizeof(what), "%s%s%.*s", program ? program + 1 : s->image,
		 s->inside[0] ? ", inside " : "", digits, s->inside);
	return table_add_row(t, cells, f);
}

static int sessions_print(const struct live_sessions *l, struct failure *f)
{
	static const struct table_column column[TABLE_COLUMNS] = {
		{ "SESSION", 0 }, { "PROVIDER", 0 }, { "BY", 3 },	{ "KEY", 0 },
		{ "SINCE", 0 },	  { "PROCESS", 2 },  { "REQUESTS", 1 }, { "PROGRAM", 0 },
	};
	struct table t = { .column = column, .columns = TABLE_COLUMNS };
	int r = 0, digits = sessions_id_digits(l);
	unsigned i;

	if (l->n == 0) {
		say("no session is running");
		return EXIT_DONE;
	}
	for (i = 0; i < l->n && r == 0; i++)
		r = session_add_row(&t, l, &l->at[i], digits, f);
	if (r == 0)
		table_print(&t);
	table_free(&t);
	return r == 0 ? EXIT_DONE : -1;
}

static int sessions_print_json(const struct live_sessions *l, struct failure *f)
{
	struct json_t *a = js_array(), *o;
	const struct live_session *s;

	for (s = l->at; s < l->at + l->n; s++) {
		o = js_object();
		js_text(o, "id", s->id);
		js_text(o, "provider", s->provider);
		js_text(o, "mode", s->mode[0] ? s->mode : NULL);
		js_text(o, "entry", s->entry);
		js_text(o, "delivery", s->delivery);
		js_text(o, "key", session_state(l, s));
		js_time(o, "since", s->since);
		js_number(o, "pid", s->pid);
		js_text(o, "program", s->image[0] ? s->image : NULL);
		js_text(o, "inside", s->inside[0] ? s->inside : NULL);
		if (s->by_relay) {
			js_number(o, "requests", s->requests);
			js_number(o, "refused", s->refusals);
		} else {
			js_null(o, "requests");
			js_null(o, "refused");
		}
		js_append(a, o);
	}
	return js_print(a, f);
}

/* ---- ending ---- */

static bool sessions_have(const struct live_sessions *l, const char *id)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->at[i].id, id) == 0)
			return true;
	return false;
}

/* Append those that have ended and have others inside them: background agents go on. */
static int sessions_add_gone(struct live_sessions *l, struct failure *f)
{
	struct live_session *grown = realloc(l->at, (2 * l->n + 1) * sizeof(*grown));
	unsigned i, n = l->n;

	if (!grown)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a list");
	l->at = grown;
	for (i = 0; i < n; i++) {
		if (!grown[i].inside[0] || grown[i].ended || sessions_have(l, grown[i].inside))
			continue;
		grown[l->n] = grown[i];
		memcpy(grown[l->n].id, grown[i].inside, sizeof(grown[i].id));
		grown[l->n++].gone = true;
	}
	return 0;
}

/* The one whose id begins so. */
static const struct live_session *sessions_find(const struct live_sessions *l, const char *word,
						struct failure *f)
{
	const struct live_session *found = NULL;
	size_t n = strlen(word);
	unsigned i;

	/* Anything else may be a key, and is not printed. */
	if (n == 0 || n > 16 || word[strspn(word, "0123456789abcdef")] != '\0') {
		fail_set(f, FAIL_USAGE, "ccctl sessions lists them",
			 "a session is named by the first digits of its id");
		return NULL;
	}
	for (i = 0; i < l->n; i++) {
		if (strncmp(l->at[i].id, word, n) != 0)
			continue;
		if (found) {
			fail_set(f, FAIL_USAGE, "give more of its digits",
				 "more than one session begins with %s", word);
			return NULL;
		}
		found = &l->at[i];
	}
	if (!found)
		fail_set(f, FAIL_NO_ENTRY, "ccctl sessions lists them", "no session begins with %s",
			 word);
	return found;
}

static int session_end(struct client *c, const struct live_session *s, struct failure *f)
{
	struct wire_out *o = wire_request("session-end");
	char name[2 * NAME_MAX_LEN + 2];

	wire_put_str(o, "session", s->id);
	if (client_call(c, o, f) != 0)
		return -1;
	session_name(s, name);
	if (s->gone)
		say("what session %.*s (%s) has left behind gets no key any more", SHORT_ID, s->id,
		    name);
	else
		say("session %.*s (%s, process %llu) gets no key any more", SHORT_ID, s->id, name,
		    (unsigned long long)s->pid);
	return 0;
}

/* End those in the list.  One that is refused keeps none of the others. */
static int sessions_end_each(struct client *c, const struct live_session **which, unsigned n,
			     struct failure *f)
{
	struct failure one;
	int r = EXIT_DONE;
	unsigned i;

	for (i = 0; i < n; i++) {
		one = (struct failure){ 0 };
		if (session_end(c, which[i], &one) == 0)
			continue;
		if (r != EXIT_DONE)
			fail_print("ccctl", f);
		*f = one;
		r = -1;
	}
	return r;
}

/* words: ids, or none for all. */
static int sessions_end(struct client *c, struct live_sessions *l, char **words, int n,
			struct failure *f)
{
	const struct live_session **which;
	unsigned i, count = n ? (unsigned)n : l->n;
	int r = -1;

	if (count == 0) {
		say("no session is running");
		return EXIT_DONE;
	}
	if (n && sessions_add_gone(l, f) != 0)
		return -1;
	which = calloc(count, sizeof(const struct live_session *));
	if (!which)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a list");
	for (i = 0; i < count; i++) {
		which[i] = n ? sessions_find(l, words[i], f) : &l->at[i];
		if (!which[i])
			goto out;
	}
	r = sessions_end_each(c, which, count, f);
out:
	free(which);
	return r;
}

int verb_sessions(struct client *c, int argc, char **argv, struct failure *f)
{
	bool first = true, json = false, all = false, end;
	struct live_sessions l;
	int opt, r = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?')
			return -1;
		json = json || opt == OPTION_JSON;
		all = all || opt == OPTION_ALL;
	}
	end = optind < argc && strcmp(argv[optind], "end") == 0;
	if (!end && require_words(argc, argv, 0, f) != 0)
		return -1;
	if (end ? json || all == (optind + 1 < argc) : all)
		return fail_set(f, FAIL_USAGE, "ccctl help sessions",
				"end is followed by sessions or --all");
	if (sessions_fetch(c, &l, f) == 0) {
		if (end)
			r = sessions_end(c, &l, argv + optind + 1, all ? 0 : argc - optind - 1, f);
		else
			r = json ? sessions_print_json(&l, f) : sessions_print(&l, f);
	}
	free(l.at);
	return r;
}
