/*
 * client/keys.c - ccctl keys: the entries of the vault.
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
#include "client/verbs.h"
#include "json/output.h"

static void keys_print(const struct listed *e, unsigned n)
{
	int name = 4, variable = 8, from = 4, by = 8, origin = 10;
	bool confirms = false;
	char time[DATE_TEXT];
	unsigned i;

	if (n == 0) {
		say("the vault is empty: ccctl add PROVIDER");
		return;
	}
	for (i = 0; i < n; i++) {
		name = cell_width(e[i].name, name);
		variable = cell_width(e[i].variable, variable);
		from = cell_width(entry_source_text(&e[i]), from);
		by = cell_width(entry_delivery(&e[i]), by);
		origin = cell_width(e[i].origin, origin);
		confirms = confirms || strcmp(entry_confirm(&e[i]), "no") != 0;
	}
	put_cell("NAME", name);
	put_cell("VARIABLE", variable);
	put_cell("FROM", from);
	put_cell("DELIVERY", by);
	if (confirms)
		put_cell("CONFIRM", 7);
	put_cell("SEALED FOR", origin);
	puts("LAST USED");
	for (i = 0; i < n; i++) {
		put_cell(e[i].name, name);
		put_cell(e[i].variable, variable);
		put_cell(entry_source_text(&e[i]), from);
		put_cell(entry_delivery(&e[i]), by);
		if (confirms)
			put_cell(entry_confirm(&e[i]), 7);
		put_cell(e[i].origin, origin);
		puts(date_local(e[i].used, time));
	}
}

int verb_keys(struct client *c, int argc, char **argv, struct failure *f)
{
	struct listed *e = NULL;
	struct json_t *a;
	unsigned i, n;
	bool json;
	int r = 0;

	if (json_option(argc, argv, &json, f) != 0 || require_words(argc, argv, 0, f) != 0 ||
	    client_connect(c, true, f) != 0 || entries_fetch(c, &e, &n, f) != 0)
		return -1;
	if (json) {
		a = js_array();
		for (i = 0; i < n; i++)
			js_append(a, entry_json(&e[i]));
		r = js_print(a, f);
	} else {
		keys_print(e, n);
	}
	free(e);
	return r == 0 ? EXIT_DONE : -1;
}
