/*
 * client/settings.c - ccctl settings: when the vault locks by itself, and whether each
 * release waits until it is on record on the disk.  These settings are in the vault,
 * encrypted, so that no file can weaken them.
 */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/slots/person.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"
#include "vault/lock_settings.h"

static const char *const times[] = { "idle", "longest" };
static const char *const events[] = { "suspend", "screen", "logout" };
static const unsigned event_bits[] = { LOCK_SUSPEND, LOCK_SCREEN, LOCK_LOGOUT };
#define TIMES 2
#define EVENTS 3
#define DURABLE "durable"

static int settings_find_word(const char *const *words, int n, const char *word, size_t len)
{
	int i;

	for (i = 0; i < n; i++)
		if (strlen(words[i]) == len && strncmp(words[i], word, len) == 0)
			return i;
	return -1;
}

/* A map on the wire must not have a key twice. */
static int settings_check_once(unsigned *seen, int i, const char *name, struct failure *f)
{
	unsigned bit = 1u << i;

	if (*seen & bit)
		return fail_set(f, FAIL_USAGE, "give each setting once", "%s is given twice", name);
	*seen |= bit;
	return 0;
}

/* What the words of the command line change. */
struct settings_change {
	struct lock_settings to;
	unsigned seen; /* a bit for each setting that is named: times, events, durable */
};

/* One KEY=VALUE. */
static int settings_read_word(const char *word, struct settings_change *ch, struct failure *f)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : 0;
	uint64_t seconds = 0;
	bool yes, durable;
	int i;

	value = value ? value + 1 : "";
	i = settings_find_word(times, TIMES, word, len);
	if (i >= 0) {
		if (strcmp(value, "never") != 0 && duration_parse_typed(value, &seconds) != 0)
			return fail_set(f, FAIL_USAGE, "like 15m, 8h, 1d or never",
					"%s is a length of time with its unit", times[i]);
		*(i == 0 ? &ch->to.idle : &ch->to.longest) = seconds;
		return settings_check_once(&ch->seen, i, times[i], f);
	}
	durable = len == strlen(DURABLE) && strncmp(word, DURABLE, len) == 0;
	i = settings_find_word(events, EVENTS, word, len);
	yes = strcmp(value, "yes") == 0;
	if ((i < 0 && !durable) || (!yes && strcmp(value, "no") != 0))
		return fail_set(f, FAIL_USAGE, SPEC_SETTINGS, "unknown setting");
	if (durable) {
		ch->to.durable = yes;
		return settings_check_once(&ch->seen, TIMES + EVENTS, DURABLE, f);
	}
	if (yes)
		ch->to.events |= event_bits[i];
	return settings_check_once(&ch->seen, TIMES + i, events[i], f);
}

static int settings_fetch(struct client *c, struct lock_settings *s, struct failure *f)
{
	struct wire_map m;
	bool yes;
	int i;

	memset(s, 0, sizeof(*s));
	if (client_call(c, wire_request("settings"), f) != 0)
		return -1;
	m = c->dial.in.top;
	if (wire_get_uint(m, "idle", &s->idle, f) != 0 ||
	    wire_get_uint(m, "longest", &s->longest, f) != 0)
		return -1;
	for (i = 0; i < EVENTS; i++) {
		if (wire_get_bool(m, events[i], &yes, f) != 0)
			return -1;
		s->events |= yes ? event_bits[i] : 0;
	}
	/* A broker that was started before the last upgrade does not say. */
	return wire_has(m, DURABLE) ? wire_get_bool(m, DURABLE, &s->durable, f) : 0;
}

/* Loosening them wants a person. */
static int settings_change(struct client *c, struct settings_change *ch, struct failure *f)
{
	uint64_t *to[] = { &ch->to.idle, &ch->to.longest };
	struct lock_settings now;
	struct wire_out *o;
	bool loosen;
	int i;

	if (settings_fetch(c, &now, f) != 0)
		return -1;
	if (!(ch->seen & 1))
		ch->to.idle = now.idle;
	if (!(ch->seen & 2))
		ch->to.longest = now.longest;
	for (i = 0; i < EVENTS; i++)
		if (!(ch->seen & 1u << (TIMES + i)))
			ch->to.events |= now.events & event_bits[i];
	if (!(ch->seen & 1u << (TIMES + EVENTS)))
		ch->to.durable = now.durable;
	loosen = lock_settings_loosen(&now, &ch->to);
	if (loosen && person_identify(c, f) != 0)
		return -1;
	o = wire_request("set");
	for (i = 0; i < TIMES; i++)
		if (ch->seen & 1u << i)
			wire_put_uint(o, times[i], *to[i]);
	for (i = 0; i < EVENTS; i++)
		if (ch->seen & 1u << (TIMES + i))
			wire_put_bool(o, events[i], ch->to.events & event_bits[i]);
	if (ch->seen & 1u << (TIMES + EVENTS))
		wire_put_bool(o, DURABLE, ch->to.durable);
	return loosen ? person_call(c, o, f) : client_call(c, o, f);
}

static int settings_show(struct client *c, bool json, struct failure *f)
{
	struct json_t *o = json ? js_object() : NULL;
	char text[DURATION_TEXT];
	struct lock_settings s;
	uint64_t n;
	bool yes;
	int i;

	if (settings_fetch(c, &s, f) != 0)
		return -1;
	for (i = 0; i < TIMES; i++) {
		n = i == 0 ? s.idle : s.longest;
		duration_format(n, text);
		if (json)
			js_number(o, times[i], n);
		else
			printf("%s=%s\n", times[i], n ? text : "never");
	}
	for (i = 0; i < EVENTS; i++) {
		yes = s.events & event_bits[i];
		if (json)
			js_bool(o, events[i], yes);
		else
			printf("%s=%s\n", events[i], yes ? "yes" : "no");
	}
	if (json)
		js_bool(o, DURABLE, s.durable);
	else
		printf(DURABLE "=%s\n", s.durable ? "yes" : "no");
	return json ? js_print(o, f) : 0;
}

int verb_settings(struct client *c, int argc, char **argv, struct failure *f)
{
	struct settings_change ch = { 0 };
	bool first = true, json = false;
	int opt, i, fd = -1;

	while ((opt = next_option(&first, argc, argv, f)) != -1) {
		if (opt == '?' ||
		    (opt == OPTION_PASSPHRASE_FD && passphrase_fd_option(optarg, &fd, f) != 0))
			return -1;
		json = json || opt == OPTION_JSON;
	}
	/* Report a wrong word before asking for a passphrase. */
	for (i = optind; i < argc; i++)
		if (settings_read_word(argv[i], &ch, f) != 0)
			return -1;
	if (person_read_fd(c, fd, f) != 0 || vault_ready(c, f) != 0)
		return -1;
	return (ch.seen ? settings_change(c, &ch, f) : settings_show(c, json, f)) == 0 ? EXIT_DONE
										       : -1;
}
