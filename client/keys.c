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
#include "client/common/table.h"
#include "client/verbs.h"
#include "json/output.h"

/* What entries have; CONFIRM, the fifth, only where one does. */
#define KEYS_COLUMNS 7
#define KEYS_CONFIRM 4

static bool keys_confirm(const struct listed *e, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(entry_confirm(&e[i]), "no") != 0)
			return true;
	return false;
}

static int keys_print(const struct listed *e, unsigned n, struct failure *f)
{
	static const struct table_column all[KEYS_COLUMNS] = {
		{ "NAME", 0 },	  { "VARIABLE", 4 },   { "FROM", 2 },	   { "DELIVERY", 3 },
		{ "CONFIRM", 0 }, { "SEALED FOR", 0 }, { "LAST USED", 1 },
	};
	bool confirms = keys_confirm(e, n);
	struct table_column column[KEYS_COLUMNS];
	struct table t = { .column = column };
	char time[DATE_TEXT];
	unsigned i;
	int r = 0;

	if (n == 0) {
		say("the vault is empty: ccctl add PROVIDER");
		return 0;
	}
	for (i = 0; i < KEYS_COLUMNS; i++)
		if (confirms || i != KEYS_CONFIRM)
			column[t.columns++] = all[i];
	for (i = 0; i < n && r == 0; i++) {
		const char *cells[KEYS_COLUMNS] = { e[i].name, e[i].variable,
						    entry_source_text(&e[i]),
						    entry_delivery(&e[i]) };
		unsigned k = KEYS_CONFIRM;

		if (confirms)
			cells[k++] = entry_confirm(&e[i]);
		cells[k++] = e[i].origin;
		cells[k] = date_local(e[i].used, time);
		r = table_add_row(&t, cells, f);
	}
	if (r == 0)
		table_print(&t);
	table_free(&t);
	return r;
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
		r = keys_print(e, n, f);
	}
	free(e);
	return r == 0 ? EXIT_DONE : -1;
}
