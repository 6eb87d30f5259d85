/*
 * client/settings.c - ccctl settings: when the vault locks by itself.  These
 * settings are in the vault, encrypted, so that no file can weaken them.
 */
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/slots/vault_open.h"
#include "client/verbs.h"
#include "json/output.h"

static const char *const times[] = { "idle", "longest" };
static const char *const events[] = { "suspend", "screen", "logout" };
#define TIMES 2
#define EVENTS 3

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

/* Add one KEY=VALUE to the request. */
static int settings_put_word(struct wire_out *o, const char *word, unsigned *seen,
			     struct failure *f)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : 0;
	uint64_t seconds = 0;
	bool yes;
	int i;

	value = value ? value + 1 : "";
	i = settings_find_word(times, TIMES, word, len);
	if (i >= 0) {
		if (strcmp(value, "never") != 0 && duration_parse_typed(value, &seconds) != 0)
			return fail_set(f, FAIL_USAGE, "like 15m, 8h, 1d or never",
					"%s is a length of time with its unit", times[i]);
		if (settings_check_once(seen, i, times[i], f) != 0)
			return -1;
		wire_put_uint(o, times[i], seconds);
		return 0;
	}
	i = settings_find_word(events, EVENTS, word, len);
	yes = strcmp(value, "yes") == 0;
	if (i < 0 || (!yes && strcmp(value, "no") != 0))
		return fail_set(f, FAIL_USAGE,
				"idle=TIME longest=TIME suspend=yes|no screen=yes|no logout=yes|no",
				"unknown setting");
	if (settings_check_once(seen, TIMES + i, events[i], f) != 0)
		return -1;
	wire_put_bool(o, events[i], yes);
	return 0;
}

/* The request for n words, or NULL with f set. */
static struct wire_out *settings_make_request(char **words, int n, struct failure *f)
{
	struct wire_out *o = wire_request("set");
	unsigned seen = 0;
	int i;

	if (!o)
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a packet");
	for (i = 0; o && i < n; i++)
		if (settings_put_word(o, words[i], &seen, f) != 0) {
			wire_out_free(o);
			return NULL;
		}
	return o;
}

static int settings_show(struct client *c, bool json, struct failure *f)
{
	struct json_t *o = json ? js_object() : NULL;
	struct wire_map m;
	char text[DURATION_TEXT];
	uint64_t n;
	bool yes;
	int i;

	if (client_call(c, wire_request("settings"), f) != 0)
		return -1;
	m = c->dial.in.top;
	for (i = 0; i < TIMES; i++) {
		if (wire_get_uint(m, times[i], &n, f) != 0)
			return -1;
		duration_format(n, text);
		if (json)
			js_number(o, times[i], n);
		else
			printf("%s=%s\n", times[i], n ? text : "never");
	}
	for (i = 0; i < EVENTS; i++) {
		if (wire_get_bool(m, events[i], &yes, f) != 0)
			return -1;
		if (json)
			js_bool(o, events[i], yes);
		else
			printf("%s=%s\n", events[i], yes ? "yes" : "no");
	}
	return json ? js_print(o, f) : 0;
}

int verb_settings(struct client *c, int argc, char **argv, struct failure *f)
{
	bool json;
	struct wire_out *o = NULL;

	if (json_option(argc, argv, &json, f) != 0)
		return -1;
	/* Report a wrong word before asking for a passphrase. */
	if (argc > optind && !(o = settings_make_request(argv + optind, argc - optind, f)))
		return -1;
	if (vault_ready(c, NULL, f) != 0) {
		wire_out_free(o);
		return -1;
	}
	if (o)
		return client_call(c, o, f) == 0 ? EXIT_DONE : -1;
	return settings_show(c, json, f) == 0 ? EXIT_DONE : -1;
}
