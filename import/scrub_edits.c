/*
 * import/scrub_edits.c - which bytes of a file a stored token, and its address, take with them.
 */
#include "import/scrub_edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/accounts.h"
#include "import/report_text.h"
#include "wire/endpoint.h"

#define ADDRESS "ANTHROPIC_BASE_URL"
#define IN_VAULT "moved into the vault"
#define WITH_KEY "went with its key"

static bool account_is_removed_from(const struct scrubbing *s, const struct account *a,
				    const struct import_file *file)
{
	return account_in_vault(a) && &s->im->file[a->at_file] == file;
}

static int edit_compare(const void *a, const void *b)
{
	const struct scrub_edit *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void edit_add(struct scrub_edit *list, unsigned *n, size_t at, size_t end, const char *with,
		     const char *shown)
{
	unsigned i;

	for (i = 0; i < *n; i++)
		if (at < list[i].end && list[i].at < end)
			return;
	list[*n].at = at;
	list[*n].end = end;
	snprintf(list[*n].with, EDIT_MAX, "%s", with);
	snprintf(list[(*n)++].shown, EDIT_MAX, "%s", shown ? shown : with);
}

/* The whole line becomes a comment; in a block after a ":", as no block may be empty. */
static void edit_line_to_comment(struct scrubbing *s, const struct account *a,
				 const struct assignment *v, const char *what)
{
	const char *t = s->file->text.p;
	char with[EDIT_MAX];
	size_t blank = 0;

	while (v->from + blank < v->to && strchr(" \t", t[v->from + blank]))
		blank++;
	snprintf(with, sizeof(with), "%s# ccrun: %s %s (ccrun %s)", v->nested ? ": " : "", v->name,
		 what, a->provider);
	edit_add(s->edit, &s->edits, v->from + blank, v->to, with, NULL);
}

static void edits_of_shell_file(struct scrubbing *s, const struct account *a)
{
	const struct assignment *v = account_value(s->im, a), *user = account_variable(s->im, a);
	const char *t = s->file->text.p;
	char hidden[SECRET_SHOWN];
	size_t quote;

	if (account_is_removed_from(s, a, s->file)) {
		report_secret(a->token, a->n, hidden);
		quote = v->end - v->at > 1 && strchr("'\"", t[v->at]) && t[v->end - 1] == t[v->at];
		edit_add(s->mask, &s->masks, v->at + quote, v->end - quote, SCRUB_GONE, hidden);
		if (v->to)
			edit_line_to_comment(s, a, v, IN_VAULT);
		else
			edit_add(s->edit, &s->edits, v->at, v->end, "", NULL);
	} else if (account_in_vault(a) && s->im->file[a->at_file].kind == FILE_KEY && user->to &&
		   &s->im->file[a->file] == s->file) {
		edit_line_to_comment(s, a, user, IN_VAULT);
	}
}

static void edits_of_key_file(struct scrubbing *s, const struct account *a)
{
	char with[EDIT_MAX], hidden[SECRET_SHOWN];

	if (!account_is_removed_from(s, a, s->file))
		return;
	report_secret(a->token, a->n, hidden);
	snprintf(with, sizeof(with), "# ccrun: this key moved into the vault (ccrun %s)",
		 a->provider);
	edit_add(s->edit, &s->edits, 0, account_value(s->im, a)->end, with, NULL);
	edit_add(s->mask, &s->masks, 0, account_value(s->im, a)->end, SCRUB_GONE, hidden);
}

static void edits_of_settings(struct scrubbing *s, const struct account *a)
{
	const struct assignment *v = account_value(s->im, a);
	char with[EDIT_MAX], shown[EDIT_MAX], hidden[SECRET_SHOWN];

	if (!account_is_removed_from(s, a, s->file))
		return;
	s->name[s->names++] = v->name;
	report_secret(a->token, a->n, hidden);
	snprintf(shown, sizeof(shown), "\"%s\": \"%s\"", v->name, hidden);
	snprintf(with, sizeof(with), "\"%s\": \"" SCRUB_GONE "\"", v->name);
	edit_add(s->mask, &s->masks, v->at, v->end, with, shown);
}

/* A text's value in another language than the shell's: it becomes an empty one, which
 * claude takes for none, and nothing around it changes. */
static void edits_of_value(struct scrubbing *s, const struct account *a)
{
	const struct assignment *v = account_value(s->im, a);
	bool quoted = s->file->kind != FILE_SYSTEMD;
	char hidden[SECRET_SHOWN], shown[SECRET_SHOWN + 2];

	if (!account_is_removed_from(s, a, s->file))
		return;
	report_secret(a->token, a->n, hidden);
	snprintf(shown, sizeof(shown), quoted ? "\"%s\"" : "%s", hidden);
	edit_add(s->edit, &s->edits, v->at, v->end, quoted ? "\"\"" : "", NULL);
	edit_add(s->mask, &s->masks, v->at, v->end, quoted ? "\"" SCRUB_GONE "\"" : SCRUB_GONE,
		 shown);
}

bool scrub_empties_values(enum file_kind kind)
{
	return kind == FILE_EDITOR || kind == FILE_CC_SWITCH || kind == FILE_ROUTER ||
	       kind == FILE_NUSHELL || kind == FILE_SYSTEMD;
}

/* Does a key that stays go to this address? */
static bool address_is_in_use(const struct import *im, const char *url)
{
	const struct account *a = im->account;
	unsigned i;

	for (i = 0; i < im->accounts; i++)
		if (!account_in_vault(&a[i]) && strcmp(a[i].base_url, url) == 0)
			return true;
	return false;
}

/* Is this where an account's address is set? */
static bool address_is(const struct assignment *v, const char *url)
{
	char text[SETTING_VALUE_MAX + 1];

	if (strcmp(v->name, ADDRESS) != 0 || v->kind != VALUE_LITERAL || v->n >= sizeof(text))
		return false;
	memcpy(text, v->p, v->n);
	text[v->n] = '\0';
	endpoint_correct(text, true);
	return strcmp(text, url) == 0;
}

/* Two keys of one address: it goes once. */
static bool address_is_listed(const struct scrubbing *s, const struct assignment *v)
{
	unsigned i;

	for (i = 0; i < s->names; i++)
		if (s->name[i] == v->name)
			return true;
	return false;
}

static void edit_address(struct scrubbing *s, const struct account *a, const struct assignment *v)
{
	bool quoted = s->file->kind == FILE_NUSHELL || s->file->kind == FILE_EDITOR;

	if (s->file->kind == FILE_CLAUDE_SETTINGS) {
		s->name[s->names++] = v->name;
	} else if (v->to && (s->file->kind == FILE_SHELL || s->file->kind == FILE_FISH)) {
		edit_line_to_comment(s, a, v, WITH_KEY);
	} else {
		edit_add(s->edit, &s->edits, v->at, v->end, quoted ? "\"\"" : "", NULL);
	}
}

/*
 * The address that a key went to goes with it: claude without a key sends what it is logged in
 * with to the address that it is told (measured with Claude Code 2.1.330), and an Anthropic
 * log-in is not for another provider.  Other programs' own files stay: those start claude.
 */
static void edits_of_address(struct scrubbing *s, const struct account *a)
{
	const struct assignments *all = &s->file->parsed;
	const struct assignment *v;
	unsigned i;

	if (!account_in_vault(a) || !a->base_url[0] || s->file->kind == FILE_CC_SWITCH ||
	    s->file->kind == FILE_ROUTER || s->file->kind == FILE_KEY ||
	    (s->file->side != SIDE_OWN && &s->im->file[a->file] != s->file) ||
	    address_is_in_use(s->im, a->base_url))
		return;
	for (i = 0; i < all->n && s->addresses < ACCOUNTS_MAX; i++) {
		v = &all->assign[i];
		if (!address_is(v, a->base_url) || address_is_listed(s, v))
			continue;
		edit_address(s, a, v);
		s->addresses++;
	}
}

void scrub_edits_collect(struct scrubbing *s)
{
	unsigned i;

	for (i = 0; i < s->im->accounts; i++) {
		const struct account *a = &s->im->account[i];

		if (s->file->kind == FILE_CLAUDE_SETTINGS)
			edits_of_settings(s, a);
		else if (scrub_empties_values(s->file->kind))
			edits_of_value(s, a);
		else if (s->file->kind == FILE_KEY)
			edits_of_key_file(s, a);
		else
			edits_of_shell_file(s, a);
		edits_of_address(s, a);
	}
	qsort(s->edit, s->edits, sizeof(s->edit[0]), edit_compare);
	qsort(s->mask, s->masks, sizeof(s->mask[0]), edit_compare);
}
