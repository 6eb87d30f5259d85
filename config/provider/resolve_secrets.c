/*
 * config/provider/resolve_secrets.c - which vault entries become which variables.
 */
#include "config/provider/resolve_secrets.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/provider/auth.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "config/provider/variables.h"
#include "config/provider/view.h"
#include "wire/limits.h"
#include "wire/names.h"

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static int secrets_add(struct provider *p, const char *variable, const char *entry,
		       const struct ini_item *at, struct failure *f)
{
	struct provider_secret *s = &p->secret[p->secrets];

	if (p->secrets == SESSION_ENTRIES_MAX)
		return ini_fail(f, at, NULL, "more than %d secrets", SESSION_ENTRIES_MAX);
	if (!wire_name_ok(entry) || auth_looks_like_key(entry))
		return ini_fail(f, at,
				"a key is stored with ccctl add; here stands the entry's name",
				"%s: not a name of a vault entry", at->key);
	snprintf(s->variable, sizeof(s->variable), "%s", variable);
	snprintf(s->entry, sizeof(s->entry), "%s", entry);
	p->secrets++;
	return 0;
}

/*
 * The first section that counts for [secrets].  A mode's [secrets] replaces the default
 * one: with both, the credentials of two accounts would be delivered together.
 */
static unsigned secrets_first_section(const struct view *v)
{
	char section[VIEW_SECTION_NAME];
	unsigned i, k;

	for (i = 0; i < v->n; i++) {
		if (!v->section[i].mode)
			continue;
		view_section_name(&v->section[i], "secrets", section);
		for (k = 0; k < v->section[i].file->items; k++)
			if (strcmp(v->section[i].file->item[k].section, section) == 0)
				return i;
	}
	return 0;
}

/* "header:NAME = SCHEME ENTRY": the scheme becomes a part of the carrier. */
static int secrets_add_header(struct provider *p, const struct ini_item *it, const char *value,
			      struct failure *f)
{
	const char *entry = strchr(value, ' ');
	char carrier[VARIABLE_MAX_LEN + 2];
	unsigned i;
	int n;

	if (entry)
		n = snprintf(carrier, sizeof(carrier), "%s:%.*s", it->key, (int)(entry - value),
			     value);
	else
		n = snprintf(carrier, sizeof(carrier), "%s", it->key);
	if (n < 0 || n >= (int)sizeof(carrier) || !wire_carrier_ok(carrier))
		return ini_fail(f, it,
				"lines are: header:NAME = SCHEME ENTRY, as in Bearer gateway",
				"%s: '%.40s' is no scheme of a header", it->key, value);
	for (i = 0; i < p->secrets; i++)
		if (wire_carriers_collide(p->secret[i].variable, carrier))
			return ini_fail(f, it, NULL, "%s is there already", it->key);
	if (entry)
		entry += strspn(entry, " \t");
	return secrets_add(p, carrier, entry ? entry : value, it, f);
}

static int secrets_add_item(struct provider *p, const struct ini_item *it, struct failure *f)
{
	char entry[PROVIDER_VALUE_MAX + 1];

	if (!wire_carrier_header(it->key) && !variable_is_blanked(it->key) && !p->exposed)
		return ini_fail(f, it, "exposed = yes in [secrets] accepts that",
				"%s is not kept from MCP servers and hooks by the client", it->key);
	if (params_expand(p, it, entry, sizeof(entry), f) != 0)
		return -1;
	return wire_carrier_header(it->key) ? secrets_add_header(p, it, entry, f)
					    : secrets_add(p, it->key, entry, it, f);
}

/* Is the item a line of a file of the user's own? */
static bool item_is_users(const struct view *v, const struct ini_item *it)
{
	unsigned i, k;

	for (i = 0; i < v->n; i++)
		for (k = 0; k < v->section[i].file->items; k++)
			if (&v->section[i].file->item[k] == it)
				return view_is_users(v, v->section[i].file);
	return false;
}

/* Add what [secrets] lists.  Returns how many variables that are, or -1. */
static int secrets_add_listed(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *items[SESSION_ENTRIES_MAX + 8];
	int i, n = view_items(v, secrets_first_section(v), "secrets", items, COUNT(items), f);

	for (i = 0; i < n; i++) {
		if (strcmp(items[i]->key, "exposed") != 0)
			continue;
		if (strcmp(items[i]->value, "yes") != 0 && strcmp(items[i]->value, "no") != 0)
			return ini_fail(f, items[i], NULL, "exposed is yes or no");
		p->exposed = strcmp(items[i]->value, "yes") == 0;
	}
	for (i = 0; i < n; i++) {
		if (strcmp(items[i]->key, "exposed") == 0)
			continue;
		if (secrets_add_item(p, items[i], f) != 0)
			return -1;
		p->secret[p->secrets - 1].users = item_is_users(v, items[i]);
	}
	return n < 0 ? -1 : (int)p->secrets;
}

static void named_add(struct provider *p, const char *name)
{
	unsigned i;

	for (i = 0; i < p->nameds; i++)
		if (strcmp(p->named[i], name) == 0)
			return;
	if (p->nameds < PROVIDER_NAMED_MAX && wire_name_ok(name))
		snprintf(p->named[p->nameds++], sizeof(p->named[0]), "%s", name);
}

/* The entries of one file's sections. */
static void named_add_section(struct provider *p, const struct layer_section *s)
{
	char provider[VIEW_SECTION_NAME], secrets[VIEW_SECTION_NAME];
	const struct ini_item *it;
	unsigned k;

	view_section_name(s, "provider", provider);
	view_section_name(s, "secrets", secrets);
	for (k = 0; k < s->file->items; k++) {
		it = &s->file->item[k];
		if (!it->key)
			continue;
		if ((strcmp(it->section, secrets) == 0 && strcmp(it->key, "exposed") != 0) ||
		    (strcmp(it->section, provider) == 0 && strcmp(it->key, "secret") == 0 &&
		     strcmp(it->value, "none") != 0))
			named_add(p, it->value);
	}
}

/*
 * What a key of it may be called, whatever the files say of needing one.  The provider whose
 * sections a shipped mode borrows is another one, and so are its keys.
 */
static void resolve_named(struct provider *p, const struct view *v)
{
	bool other = v->borrowed && !v->users_choice;
	unsigned i;

	for (i = 0; !other && i < v->own.n; i++)
		named_add(p, v->own.layer[i].owner);
	for (i = 0; i < v->other.n; i++)
		named_add(p, v->other.layer[i].owner);
	for (i = 0; i < v->n; i++)
		named_add_section(p, &v->section[i]);
}

int resolve_secrets(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "secret", NULL);
	const struct ini_item *at = view_get(v, "provider", "auth", NULL);
	const struct layer_section *from = NULL;
	char entry[PROVIDER_VALUE_MAX + 1] = "";
	int n;

	resolve_named(p, v);
	if (p->auth == AUTH_NONE || (it && strcmp(it->value, "none") == 0))
		return 0;
	n = secrets_add_listed(p, v, f);
	if (n < 0)
		return -1;
	if (n > 0 && p->placeholder[0])
		return ini_fail(f, view_get(v, "provider", "placeholder", NULL), NULL,
				"placeholder and [secrets] exclude each other");
	if (n > 0 || p->placeholder[0])
		return 0;
	if (!auth_variable(p->auth))
		return it ? ini_fail(f, it, "write VARIABLE = ENTRY in [secrets]",
				     "secret: auth = %s has no variable of its own", at->value)
			  : 0;
	if (it)
		return params_text(p, v, "secret", entry, sizeof(entry), f) != 0
			       ? -1
			       : secrets_add(p, auth_variable(p->auth), entry, it, f);
	/* The entry is named after the provider whose file says how to authenticate. */
	view_get(v, "provider", "auth", &from);
	return secrets_add(p, auth_variable(p->auth), from->owner, at, f);
}
