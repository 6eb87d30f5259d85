/*
 * client/confirm.c - ccctl confirm: a person's yes to launches, and which need one.
 *
 * MUST: a yes is sent with the proof of a person (person_call), for a launch whose facts were
 * shown before, by its id.  A bare "y" is typed as well by whatever opens a terminal of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/ask.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/terminal.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"
#include "wire/policy.h"

#define LAUNCHES_MAX 64 /* in an answer; bounds what a broken broker can make us allocate */
#define ENTRIES_TEXT (SESSION_ENTRIES_MAX * (NAME_MAX_LEN + 1))

struct waiting {
	char id[16];
	char provider[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], entries[ENTRIES_TEXT];
	char origin[ORIGIN_MAX_LEN + 1], delivery[16], limit[LIMIT_TEXT];
	char image[256], directory[256], project[PROJECT_MAX_LEN + 1], program[PROGRAM_SHOWN];
	uint64_t pid, asked, left;
	bool nested;
};

struct waiting_list {
	struct waiting *at;
	unsigned n;
};

/* ---- what the broker says ---- */

static int waiting_read(struct wire_map m, struct waiting *w, struct failure *f)
{
	if (wire_get_text(m, "id", w->id, sizeof(w->id), f) != 0 ||
	    wire_get_text(m, "provider", w->provider, sizeof(w->provider), f) != 0 ||
	    wire_get_text(m, "mode", w->mode, sizeof(w->mode), f) != 0 ||
	    wire_get_text(m, "entries", w->entries, sizeof(w->entries), f) != 0 ||
	    wire_get_text(m, "origin", w->origin, sizeof(w->origin), f) != 0 ||
	    wire_get_text(m, "delivery", w->delivery, sizeof(w->delivery), f) != 0 ||
	    wire_get_text(m, "limit", w->limit, sizeof(w->limit), f) != 0 ||
	    wire_get_text(m, "image", w->image, sizeof(w->image), f) != 0 ||
	    wire_get_text(m, "directory", w->directory, sizeof(w->directory), f) != 0 ||
	    wire_get_text(m, "project", w->project, sizeof(w->project), f) != 0 ||
	    wire_get_text(m, "program", w->program, sizeof(w->program), f) != 0 ||
	    wire_get_uint(m, "pid", &w->pid, f) != 0 ||
	    wire_get_uint(m, "asked", &w->asked, f) != 0 ||
	    wire_get_uint(m, "left", &w->left, f) != 0)
		return -1;
	return wire_get_bool(m, "nested", &w->nested, f);
}

/* Where no broker runs, nothing waits.  l->at is to be freed in any case. */
static int waiting_fetch(struct client *c, struct waiting_list *l, struct failure *f)
{
	struct wire_map item;
	unsigned i, n;

	memset(l, 0, sizeof(*l));
	if (client_connect(c, false, f) != 0)
		return f->code == FAIL_NO_BROKER ? 0 : -1;
	if (client_call(c, wire_request("confirmations"), f) != 0 ||
	    wire_get_array(c->dial.in.top, "launches", &n, f) != 0)
		return -1;
	if (n > LAUNCHES_MAX)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker's list is too long");
	l->at = calloc(n + 1, sizeof(*l->at));
	if (!l->at)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a list");
	for (i = 0; i < n; i++, l->n++)
		if (wire_get_item(c->dial.in.top, "launches", i, &item, f) != 0 ||
		    waiting_read(item, &l->at[i], f) != 0)
			return -1;
	return 0;
}

/* The one of that id alone.  0 or -1. */
static int waiting_narrow(struct waiting_list *l, const char *id, struct failure *f)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->at[i].id, id) == 0) {
			l->at[0] = l->at[i];
			l->n = 1;
			return 0;
		}
	return fail_set(f, FAIL_NO_ENTRY, "ccctl confirm lists them",
			"no launch of that id waits: it was answered, or 60 s have passed");
}

/* ---- showing ---- */

/* asked: it is what the passphrase agrees to, which a dialogue shows as well. */
static void show_fact(const char *what, const char *text, const char *behind, bool asked)
{
	if (!text[0])
		text = "unknown";
	printf("  %-10s ", what);
	put_foreign(text);
	puts(behind);
	if (asked)
		ask_note_fact(what, text, behind);
}

static void waiting_show(const struct waiting *w, bool asked)
{
	char name[2 * NAME_MAX_LEN + 2], key[ENTRIES_TEXT + 16], by[80];

	snprintf(name, sizeof(name), "%s%s%s", w->provider, w->mode[0] ? ":" : "", w->mode);
	snprintf(key, sizeof(key), " (key %s)", w->entries);
	snprintf(by, sizeof(by), ", process %llu%s", (unsigned long long)w->pid,
		 w->nested ? ", inside a session" : "");
	printf("launch %s waits for your yes, %llu s more:\n", w->id, (unsigned long long)w->left);
	show_fact("provider", name, key, asked);
	show_fact("sends to", origin_url(w->origin), "", asked);
	/* The kernel's word, where the broker may ask for it. */
	if (w->directory[0] || !w->project[0])
		show_fact("directory", w->directory, "", asked);
	else
		show_fact("directory", w->project, ", as it says", asked);
	show_fact("program", w->program, w->program[0] ? ", as it says" : "", asked);
	show_fact("asked by", w->image, by, asked);
	show_fact("delivery", w->delivery, "", asked);
	show_fact("limit", w->limit[0] ? w->limit : "off", "", asked);
}

static int waiting_print_json(const struct waiting_list *l, struct failure *f)
{
	struct json_t *a = js_array(), *o;
	const struct waiting *w;

	for (w = l->at; w < l->at + l->n; w++) {
		o = js_object();
		js_text(o, "id", w->id);
		js_text(o, "provider", w->provider);
		js_text(o, "mode", w->mode[0] ? w->mode : NULL);
		js_text(o, "entries", w->entries);
		js_text(o, "origin", w->origin);
		js_text(o, "directory", w->directory[0] ? w->directory : NULL);
		js_text(o, "program_as_said", w->program[0] ? w->program : NULL);
		js_text(o, "asked_by", w->image[0] ? w->image : NULL);
		js_number(o, "pid", w->pid);
		js_bool(o, "nested", w->nested);
		js_text(o, "delivery", w->delivery);
		js_text(o, "limit", w->limit[0] && strcmp(w->limit, "off") != 0 ? w->limit : NULL);
		js_time(o, "asked", w->asked);
		js_number(o, "seconds_left", w->left);
		js_append(a, o);
	}
	return js_print(a, f);
}

/* ---- answering ---- */

static struct wire_out *answer_request(const char *op, const struct waiting *w)
{
	struct wire_out *o = wire_request(op);

	wire_put_str(o, "id", w->id);
	return o;
}

static int waiting_answer(struct client *c, const struct waiting *w, bool yes, struct failure *f)
{
	/* The broker may have closed an idle connection during the question. */
	if (client_connect(c, false, f) != 0 ||
	    (yes ? person_call(c, answer_request("confirm", w), f)
		 : client_call(c, answer_request("confirm-deny", w), f)) != 0)
		return -1;
	say(yes ? "launch %s may start" : "launch %s is refused", w->id);
	return 0;
}

/*
 * Show them, and let them start.  The passphrase is the yes to the only one; of more than one,
 * each is asked about after it.
 */
static int waiting_ask(struct client *c, const struct waiting_list *l, struct failure *f)
{
	char question[64];
	bool yes = true;
	unsigned i;

	for (i = 0; i < l->n; i++)
		waiting_show(&l->at[i], l->n == 1);
	snprintf(question, sizeof(question), "%u, each asked about after this", l->n);
	if (l->n > 1)
		ask_note_fact("launches", question, "");
	if (l->n == 1)
		puts("Your passphrase or recovery code lets it start; Ctrl-C does not.");
	fflush(stdout);
	if (l->n > 1 && !terminal_asks())
		return fail_set(f, FAIL_USAGE, "ccctl confirm --ask LAUNCH, for each",
				"more than one launch waits");
	if (person_identify(c, f) != 0)
		return -1;
	for (i = 0; i < l->n; i++) {
		snprintf(question, sizeof(question), "let launch %s start?", l->at[i].id);
		if (l->n > 1 && terminal_yes(question, &yes, f) != 0)
			return -1;
		if (waiting_answer(c, &l->at[i], yes, f) != 0)
			return -1;
	}
	return 0;
}

/* ---- which launches wait ---- */

static const char *confirm_word(enum confirm c)
{
	return c == CONFIRM_NO ? "off" : confirm_name(c);
}

static int confirm_from_word(const char *word, struct failure *f)
{
	int c = strcmp(word, "off") == 0 ? CONFIRM_NO : confirm_from_name(word);

	/* Anything else may be a key, and is not printed. */
	return c >= 0 ? c
		      : fail_set(f, FAIL_USAGE, "ccctl help confirm",
				 "an entry's name is followed by session, first or off");
}

/* Asking for fewer a yes wants a person. */
static int confirm_set(struct client *c, const char *name, const char *word, struct failure *f)
{
	struct listed e;
	struct wire_out *o;
	struct policy p;
	bool loosens;
	int to = word ? confirm_from_word(word, f) : 0;

	if (to < 0 || vault_ready(c, f) != 0 || entry_require(c, name, &e, f) != 0 ||
	    policy_parse(&p, e.policy, f) != 0)
		return -1;
	if (!word) {
		printf("%s\n", confirm_word(p.confirm));
		return 0;
	}
	loosens = to < (int)p.confirm;
	if (loosens && person_identify(c, f) != 0)
		return -1;
	o = wire_request("confirm-set");
	wire_put_str(o, "name", name);
	wire_put_str(o, "confirm", confirm_name((enum confirm)to));
	if ((loosens ? person_call : client_call)(c, o, f) != 0)
		return -1;
	say("confirm of %s: %s%s", name, confirm_word((enum confirm)to),
	    to > (int)p.confirm ? "; sessions that run go on (ccctl sessions)" : "");
	return 0;
}

/* ---- the verb ---- */

struct confirm_words {
	const char *ask, *deny;
	bool json;
	int fd;
};

static int confirm_parse(int argc, char **argv, struct confirm_words *w, struct failure *f)
{
	bool first = true;
	int opt;

	*w = (struct confirm_words){ .fd = -1 };
	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &w->fd, f) != 0))
			return -1;
		w->json = w->json || opt == OPTION_JSON;
		w->ask = opt == OPTION_ASK ? optarg : w->ask;
		w->deny = opt == OPTION_DENY ? optarg : w->deny;
	}
	if (argc - optind > 2 || (w->json + !!w->ask + !!w->deny + (argc > optind)) > 1)
		return fail_set(f, FAIL_USAGE, "ccctl help confirm", "these do not go together");
	return 0;
}

static int confirm_answer(struct client *c, const struct confirm_words *w, struct failure *f)
{
	const char *id = w->ask ? w->ask : w->deny;
	struct waiting_list l;
	int r = -1;

	if (waiting_fetch(c, &l, f) != 0 || (id && waiting_narrow(&l, id, f) != 0))
		goto out;
	if (w->json)
		r = waiting_print_json(&l, f);
	else if (w->deny)
		r = waiting_answer(c, &l.at[0], false, f);
	else if (l.n > 0)
		r = waiting_ask(c, &l, f);
	else
		r = 0;
	if (l.n == 0 && r == 0 && !w->json)
		say("no launch waits for your yes");
out:
	free(l.at);
	return r;
}

int verb_confirm(struct client *c, int argc, char **argv, struct failure *f)
{
	struct confirm_words w;
	const char *name;
	int r;

	if (confirm_parse(argc, argv, &w, f) != 0)
		return -1;
	name = optind < argc ? argv[optind] : NULL;
	if ((name && require_name(name, f) != 0) || person_read_fd(c, w.fd, f) != 0)
		return -1;
	r = name ? confirm_set(c, name, argv[optind + 1], f) : confirm_answer(c, &w, f);
	return r == 0 ? EXIT_DONE : -1;
}
