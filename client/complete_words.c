/*
 * client/complete_words.c - providers, entries, slots, sessions: what names there are.
 */
#include "client/complete_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/proc.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/output.h"
#include "client/slots/slots.h"
#include "config/ini/ini_file.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "config/settings/ccrun_conf.h"
#include "spec/forms.h"
#include "wire/limits.h"

#define BROKER_MS 1000 /* for all that is asked of it: somebody has pressed Tab */
#define NAMED_WORD (2 * NAME_MAX_LEN + 4)
#define SHORT_ID 8 /* digits of a session's id, as ccctl sessions shows them */

/*
 * MUST: bash puts a word into the line as it is.  One that is all there is stands there at once,
 * and what a file of the person's says may be a session's: no word is a command.
 */
static bool word_is_plain(const char *word)
{
	return !word[strcspn(word, "\"'$`\\;&|<>(){}!*?~#^\n")];
}

void complete_offer(struct completion *k, const char *value, const char *what)
{
	if (strncmp(value, k->now, strlen(k->now)) != 0 || !word_is_plain(value))
		return;
	put_plain(k->before);
	put_plain(value);
	if (what && *what) {
		putchar('\t');
		put_foreign(what);
	}
	putchar('\n');
	k->offered++;
}

/* What the shell knows better: ":files" and the like. */
static void complete_by_shell(struct completion *k, const char *what)
{
	puts(what);
	k->offered++;
}

/* ---- what configuration says ---- */

static struct provider *provider_of_word(const char *word)
{
	char name[NAME_MAX_LEN + 1], *mode;
	struct provider *p = NULL;
	struct failure f;

	if (strlen(word) > NAME_MAX_LEN)
		return NULL;
	strcpy(name, word);
	mode = strchr(name, ':');
	if (mode)
		*mode++ = '\0';
	return provider_load(name, mode, &p, &f) == 0 ? p : NULL;
}

/* Modes where the name is there already: few have them, and each would be a line more. */
static void complete_provider(struct completion *k, const char *name, bool modes)
{
	struct provider *p = NULL;
	char word[NAMED_WORD];
	size_t n = strlen(name);
	struct failure f;
	unsigned i;

	if (strncmp(name, k->now, strlen(k->now)) != 0 &&
	    (!modes || strncmp(name, k->now, n) != 0 || k->now[n] != ':'))
		return;
	if (provider_load(name, NULL, &p, &f) != 0) {
		complete_offer(k, name, NULL);
		return;
	}
	complete_offer(k, name, p->title);
	for (i = 0; modes && strncmp(name, k->now, n) == 0 && i < p->mode_count; i++) {
		snprintf(word, sizeof(word), "%s:%s", name, p->modes[i]);
		complete_offer(k, word, p->title);
	}
	provider_free(p);
}

static void complete_providers(struct completion *k, bool modes)
{
	struct failure f;
	char **names;
	unsigned i, n;

	if (provider_names(&names, &n, &f) != 0)
		return;
	for (i = 0; i < n; i++) {
		complete_provider(k, names[i], modes);
		free(names[i]);
	}
	free(names);
}

void complete_modes(struct completion *k, const char *provider)
{
	struct provider *p = provider_of_word(provider);
	char word[NAMED_WORD];
	unsigned i;

	for (i = 0; p && i < p->mode_count; i++) {
		snprintf(word, sizeof(word), "--%s", p->modes[i]);
		complete_offer(k, word, "a mode of the provider");
	}
	if (p)
		provider_free(p);
}

/* The provider that the line of a verb names already, or NULL. */
static struct provider *provider_of_line(const struct completion *k)
{
	struct provider *p = NULL;
	unsigned i;

	for (i = k->n; i > 1 && !p; i--)
		if (k->word[i - 1][0] != '-')
			p = provider_of_word(k->word[i - 1]);
	return p;
}

/* The models of the provider, and what claude takes for each of its own. */
static void complete_models(struct completion *k)
{
	struct provider *p = k->provider ? provider_of_word(k->provider) : provider_of_line(k);
	static const char end[] = "_MODEL";
	unsigned i, j;
	size_t n;

	for (i = 0; p && i < p->envs; i++) {
		n = strlen(p->env[i].name);
		if (strcmp(p->env[i].from, "models") != 0 || n < sizeof(end) ||
		    strcmp(p->env[i].name + n - (sizeof(end) - 1), end) != 0)
			continue;
		for (j = 0; j < i && strcmp(p->env[j].value, p->env[i].value) != 0; j++)
			;
		if (j == i)
			complete_offer(k, p->env[i].value, p->title);
	}
	if (k->claude) {
		complete_offer(k, "haiku", NULL);
		complete_offer(k, "opus", NULL);
		complete_offer(k, "sonnet", NULL);
	}
	if (p)
		provider_free(p);
}

/* "NAME=", or with each of the choices that the provider's file has. */
static void complete_parameter(struct completion *k, const struct provider_param *q)
{
	char choices[sizeof(q->choices)], word[NAME_MAX_LEN + 2 + sizeof(q->choices)];
	char *one, *save = NULL;

	memcpy(choices, q->choices, sizeof(choices));
	for (one = strtok_r(choices, ", ", &save); one; one = strtok_r(NULL, ", ", &save)) {
		snprintf(word, sizeof(word), "%s=%s", q->name, one);
		complete_offer(k, word, q->ask);
	}
	snprintf(word, sizeof(word), "%s=", q->name);
	if (!q->choices[0])
		complete_offer(k, word, q->ask);
}

static void complete_parameters(struct completion *k)
{
	struct provider *p = provider_of_line(k);
	unsigned i;

	for (i = 0; p && i < p->params; i++)
		complete_parameter(k, &p->param[i]);
	if (p)
		provider_free(p);
}

static void complete_settings(struct completion *k)
{
	char all[] = SPEC_SETTINGS, word[40];
	char *one, *value, *choice, *save = NULL, *next;

	for (one = strtok_r(all, " ", &save); one; one = strtok_r(NULL, " ", &save)) {
		value = strchr(one, '=') + 1;
		if (strcmp(value, "TIME") == 0)
			*value = '\0';
		for (choice = value; choice; choice = next) {
			next = strchr(choice, '|');
			if (next)
				*next++ = '\0';
			snprintf(word, sizeof(word), "%.*s%s", (int)(value - one), one, choice);
			complete_offer(k, word, NULL);
		}
	}
}

static void complete_links(struct completion *k)
{
	struct ini_file *file = NULL;
	struct failure f;
	unsigned i;

	if (ccrun_conf_read(&file, &f) == INI_READ)
		for (i = 0; i < file->items; i++)
			if (strcmp(file->item[i].section, "links") == 0 && file->item[i].key)
				complete_offer(k, file->item[i].key, file->item[i].value);
	ini_file_free(file);
}

/* ---- what the broker says ---- */

/* Inside a session it would refuse, and put each Tab on record. */
static bool broker_reach(struct completion *k)
{
	struct client *c = k->c;
	struct failure f;

	if (proc_self_marked())
		return false;
	if (c->connected)
		return c->dial.broker != 0;
	c->connected = true;
	return dial_open_within(&c->dial, BROKER_MS, c->buf, WIRE_PACKET_MAX, &f) == 0 &&
	       dial_hello(&c->dial, &f) == 0;
}

static void complete_entries(struct completion *k)
{
	struct listed *e = NULL;
	struct failure f;
	unsigned i, n = 0;

	if (broker_reach(k) && entries_fetch(k->c, &e, &n, &f) == 0)
		for (i = 0; i < n; i++)
			complete_offer(k, e[i].name, origin_url(e[i].origin));
	free(e);
}

static void complete_slots(struct completion *k)
{
	static struct slots s; /* several pages: not on the stack */
	char id[16], what[SLOT_LABEL_MAX + 40];
	struct failure f;
	unsigned i;

	if (!broker_reach(k) || slots_fetch(k->c, &s, &f) != 0)
		return;
	for (i = 0; i < s.n; i++) {
		snprintf(id, sizeof(id), "%" PRIu32, s.slot[i].id);
		snprintf(what, sizeof(what), "%s%s%s", slot_kind_name(s.slot[i].kind),
			 s.slot[i].label[0] ? ", " : "", s.slot[i].label);
		complete_offer(k, id, what);
	}
}

/* A list of what has an id, a provider and a mode: the first page of it. */
static void complete_list(struct completion *k, struct wire_out *request, const char *list,
			  int digits)
{
	char id[40], name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1], what[NAMED_WORD];
	struct wire_map top, item;
	struct failure f;
	unsigned i, n;

	if (client_call(k->c, request, &f) != 0)
		return;
	top = k->c->dial.in.top;
	if (wire_get_array(top, list, &n, &f) != 0)
		return;
	for (i = 0; i < n; i++) {
		if (wire_get_item(top, list, i, &item, &f) != 0 ||
		    wire_get_text(item, "id", id, sizeof(id), &f) != 0 ||
		    wire_get_text(item, "provider", name, sizeof(name), &f) != 0 ||
		    wire_get_text(item, "mode", mode, sizeof(mode), &f) != 0)
			return;
		snprintf(what, sizeof(what), "%s%s%s", name, mode[0] ? ":" : "", mode);
		id[digits] = '\0';
		complete_offer(k, id, what);
	}
}

static void complete_sessions(struct completion *k)
{
	struct wire_out *o;

	if (!broker_reach(k))
		return;
	o = wire_request("sessions");
	wire_put_uint(o, "after", 0);
	/* What is typed beyond the digits that are shown is all of them. */
	complete_list(k, o, "sessions", strlen(k->now) > SHORT_ID ? 16 : SHORT_ID);
}

static void complete_launches(struct completion *k)
{
	if (broker_reach(k))
		complete_list(k, wire_request("confirmations"), "launches", 15);
}

/* ---- by kind ---- */

static void complete_slot_kinds(struct completion *k)
{
	int kind;

	for (kind = 1; slot_kind_known((uint64_t)kind); kind++)
		complete_offer(k, slot_kind_name((enum slot_kind)kind), NULL);
}

/* Examples: alone, "off" would be written by the first key. */
static void complete_limits(struct completion *k)
{
	complete_offer(k, "5M/day", "so many tokens");
	complete_offer(k, "200/hour", "so many requests");
}

static void complete_verbs(struct completion *k)
{
	const struct verb_spec *v;

	for (v = spec_verbs; v->name; v++)
		if (v->what)
			complete_offer(k, v->name, v->what);
}

static void complete_provider_names(struct completion *k)
{
	complete_providers(k, false);
}

static void complete_provider_modes(struct completion *k)
{
	complete_providers(k, true);
}

static void complete_entries_and_providers(struct completion *k)
{
	complete_entries(k);
	complete_providers(k, true);
}

static void complete_files(struct completion *k)
{
	complete_by_shell(k, ":files");
}

static void complete_directories(struct completion *k)
{
	complete_by_shell(k, ":directories");
}

static void complete_programs(struct completion *k)
{
	complete_by_shell(k, ":programs");
}

/* What is offered for a word; NULL: nothing, or another program's own words. */
static void (*const offers[])(struct completion *) = {
	[WORD_PROVIDER] = complete_provider_names,
	[WORD_PROVIDER_MODE] = complete_provider_modes,
	[WORD_ENTRY_OR_PROVIDER_MODE] = complete_entries_and_providers,
	[WORD_ENTRY] = complete_entries,
	[WORD_SLOT] = complete_slots,
	[WORD_SLOT_KIND] = complete_slot_kinds,
	[WORD_SESSION] = complete_sessions,
	[WORD_LAUNCH] = complete_launches,
	[WORD_LINK] = complete_links,
	[WORD_VERB] = complete_verbs,
	[WORD_LIMIT] = complete_limits,
	[WORD_SETTING] = complete_settings,
	[WORD_PARAMETER] = complete_parameters,
	[WORD_MODEL] = complete_models,
	[WORD_FILE] = complete_files,
	[WORD_DIRECTORY] = complete_directories,
	[WORD_PROGRAM] = complete_programs,
};

static void complete_kind(struct completion *k, enum word_kind kind)
{
	/* Two forms of a verb may want the same kind there. */
	if (k->kinds & 1u << kind)
		return;
	k->kinds |= 1u << kind;
	if (kind < sizeof(offers) / sizeof(offers[0]) && offers[kind])
		offers[kind](k);
}

static void complete_choice(struct completion *k, const char *choice, size_t n)
{
	char one[64];
	size_t len;

	for (; n; choice += len + 1, n -= len + 1) {
		len = strcspn(choice, "|]");
		if (len > n)
			len = n;
		if (len < sizeof(one)) {
			memcpy(one, choice, len);
			one[len] = '\0';
			complete_offer(k, one, NULL);
		}
		if (len == n)
			return;
	}
}

void complete_argument(struct completion *k, const char *argument, size_t n)
{
	if (n > 2 && argument[0] == '[') {
		argument++;
		n -= 2;
	}
	if (form_word_is_choice(argument, n))
		complete_choice(k, argument, n);
	else
		complete_kind(k, placeholder_kind(argument, n));
}
