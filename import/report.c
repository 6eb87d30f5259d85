/*
 * import/report.c - what was found and done, for people and for programs.
 */
#include "import/report.h"

#include <stdio.h>
#include <string.h>

#include "client/common/entries.h"
#include "client/common/output.h"
#include "config/provider/routes.h"
#include "config/provider/variables.h"
#include "import/accounts.h"
#include "import/report_text.h"
#include "json/output.h"
#include "wire/names.h"

static const char *account_kind_name(const struct account *a)
{
	static const char *const words[] = { "token", "source", "unknown", "malformed" };

	return words[a->kind];
}

static const char *account_state_name(const struct account *a)
{
	static const char *const words[] = { "open",   "new",  "same",	"other",
					     "stored", "left", "failed" };

	return words[a->state];
}

static void account_state_text(const struct account *a, char out[400])
{
	switch (a->state) {
	case STATE_SAME:
		snprintf(out, 400, "the vault has it");
		break;
	case STATE_OTHER:
		snprintf(out, 400, "another key has the name %.64s: this becomes %.64s", a->parent,
			 a->entry);
		break;
	case STATE_STORED:
		snprintf(out, 400, "stored as %.64s", a->entry);
		break;
	case STATE_FAILED:
		snprintf(out, 400, "%s", a->why.what);
		break;
	case STATE_LEFT:
		if (a->kind == ACCOUNT_UNKNOWN)
			snprintf(out, 400,
				 "not imported: where it comes from cannot be told without running "
				 "it");
		else if (a->kind == ACCOUNT_BAD)
			snprintf(out, 400, "not imported: %.300s", a->why.what);
		else
			snprintf(out, 400, "left");
		break;
	default:
		snprintf(out, 400, "%s", a->fresh ? "new, and so is the provider" : "new");
	}
}

static void report_account(const struct import *im, const struct account *a)
{
	char path[PATH_SIZE], hidden[SECRET_SHOWN] = "", text[400];
	const struct assignment *v = account_variable(im, a), *at = account_value(im, a);
	const char *of = account_of(im, a);

	put_plain(report_path(im->home, im->file[a->file].path, path));
	if (v->line)
		printf(":%u", v->line);
	if (of[0]) {
		printf(" (");
		put_plain(of);
		putchar(')');
	}
	printf("  %s  ", v->name);
	if (a->kind == ACCOUNT_SOURCE) {
		put_plain(a->ref);
	} else if (a->token) {
		report_secret(a->token, a->n, hidden);
		put_plain(hidden);
	} else {
		printf("$(...)");
	}
	if (at != v && a->at_file != a->file) {
		printf(" in ");
		put_plain(report_path(im->home, im->file[a->at_file].path, path));
	}
	if (v->commented)
		printf(" (in a comment)");
	if (a->provider[0])
		printf("  ->  %s%s%s", a->provider, a->provider_mode[0] ? ":" : "",
		       a->provider_mode);
	account_state_text(a, text);
	printf("  ");
	put_plain(text);
	putchar('\n');
}

static void report_to(const char *url, const char *by)
{
	printf("    to ");
	put_plain(url);
	if (by) {
		printf(", as ");
		put_plain(by);
		printf(" says");
	}
	putchar('\n');
}

/* Where its key would go: an address that is not shipped; of a reference, the one beside it. */
static void report_address(const struct account *a)
{
	const char *name = a->parent[0] ? a->parent : a->provider;
	struct route_change ch[ROUTE_CHANGES_MAX];
	struct provider *p = NULL;
	unsigned changes;

	if (!a->provider[0] || a->state == STATE_LEFT || a->state == STATE_SAME)
		return;
	if (!a->fresh && provider_load(name, a->provider_mode, &p, NULL) == 0 &&
	    provider_routes(p, NULL, 0, ch, &changes) != ROUTES_SHIPPED)
		report_to(origin_url(p->origin), p->users_file);
	else if (a->base_url[0] && (a->fresh || a->kind == ACCOUNT_SOURCE))
		report_to(a->base_url, NULL);
	provider_free(p);
}

static void report_settings(const struct account *a)
{
	const char *hint;
	unsigned i, k;

	for (i = 0; i < a->list.n; i++) {
		printf("    %s = ", a->list.set[i].name);
		put_plain(a->list.set[i].value);
		putchar('\n');
	}
	for (i = 0; i < a->list.lefts; i++) {
		hint = variable_refusal_hint(a->list.left[i]);
		printf("    left: %s (%s)\n", a->list.left[i],
		       hint ? hint : "no line of a provider's file holds its value");
	}
	for (k = 0; k < a->modes; k++) {
		printf("    mode %s", a->mode[k].name);
		if (a->mode[k].base_url[0]) {
			printf(": ");
			put_plain(a->mode[k].base_url);
		}
		putchar('\n');
	}
}

void report_found(const struct import *im)
{
	char path[PATH_SIZE];
	unsigned i;

	for (i = 0; i < im->accounts; i++) {
		report_account(im, &im->account[i]);
		report_address(&im->account[i]);
		report_settings(&im->account[i]);
	}
	for (i = 0; i < im->files; i++) {
		if (!im->file[i].why.code)
			continue;
		put_plain(report_path(im->home, im->file[i].path, path));
		if (im->file[i].parsed.bad_line)
			printf(":%u", im->file[i].parsed.bad_line);
		printf("  left alone: ");
		put_plain(im->file[i].why.what);
		putchar('\n');
	}
	if (im->accounts == 0)
		say("no keys were found");
	fflush(stdout);
}

/* A script that was scrubbed and can be a command by its name: what makes it anew.  false: none. */
static bool report_command(const struct import *im, unsigned i)
{
	const struct account *a = &im->account[i];
	const struct import_file *file = &im->file[a->file];
	const char *name = strrchr(file->path, '/');
	char path[PATH_SIZE];
	unsigned k;

	if (file->kind != FILE_SHELL || !(file->st.st_mode & S_IXUSR) || !name ||
	    !wire_name_ok(name + 1) || !a->provider[0])
		return false;
	for (k = 0; k < i; k++)
		if (im->account[k].file == a->file)
			return true;
	say("note: %s starts claude without its key now: ccctl link %s %s%s%s makes that command "
	    "anew",
	    report_path(im->home, file->path, path), name + 1, a->provider,
	    a->provider_mode[0] ? ":" : "", a->provider_mode);
	return true;
}

/* An import is half of the way: the keys still lie in the files, or the scripts that had
 * them start claude with its own log-in. */
static void report_next(const struct import *im)
{
	bool stored = false, scrubbed = false;
	unsigned i;

	for (i = 0; i < im->accounts; i++) {
		stored = stored || im->account[i].state == STATE_STORED;
		if (im->file[im->account[i].file].scrubbed && !report_command(im, i))
			scrubbed = true;
	}
	if (scrubbed)
		say("note: what started claude with these keys starts it without them now: use "
		    "ccrun PROVIDER in its place (ccctl link COMMAND PROVIDER makes a command)");
	else if (stored)
		say("note: the keys stand in your files, too; ccctl import --scrub takes them out");
}

void report_done(const struct import *im)
{
	char path[PATH_SIZE];
	const struct account *a;
	unsigned i, wiped = 0, tokens = 0;

	for (i = 0; i < im->accounts; i++) {
		a = &im->account[i];
		tokens += a->kind == ACCOUNT_TOKEN;
		if (a->twin != i)
			continue;
		if (a->state == STATE_STORED)
			say("stored '%s': ccrun %s%s%s", a->entry, a->provider,
			    a->provider_mode[0] ? ":" : "", a->provider_mode);
		if (a->state == STATE_LEFT &&
		    (a->kind == ACCOUNT_TOKEN || a->kind == ACCOUNT_SOURCE))
			say("'%s' was not stored: it is in %s as before", a->entry,
			    report_path(im->home, im->file[a->at_file].path, path));
		if (a->state != STATE_FAILED)
			continue;
		say("'%s' was not stored: %s", a->provider, a->why.what);
		if (a->why.hint[0])
			fprintf(stderr, "hint: %s\n", a->why.hint);
	}
	for (i = 0; i < im->writtens; i++)
		say("wrote ~/.config/ccrun/providers/%s.conf", im->written[i]);
	for (i = 0; i < im->lefts; i++) {
		report_path(im->home, im->left[i].path, path);
		wiped += im->left[i].wiped;
		if (im->left[i].wiped)
			say("%s: pieces of a key were overwritten (%s)", path, im->left[i].what);
		else
			say("%s: has pieces of a key (%s)", path, im->left[i].what);
	}
	if (im->lefts > wiped && im->history)
		say("left: where a key is not in the vault, or the file cannot be written");
	else if (im->lefts > wiped)
		say("--scrub --history overwrites them; shells that run write their history at "
		    "their end");
	if (im->history && im->lefts == 0 && tokens)
		say("no piece of these keys was found in histories, backups and transcripts");
	report_next(im);
}

static struct json_t *account_json(const struct import *im, const struct account *a)
{
	const struct assignment *v = account_variable(im, a);
	struct json_t *o = js_object(), *list = js_array();
	char hidden[SECRET_SHOWN];
	unsigned i;

	js_text(o, "file", im->file[a->file].path);
	js_number(o, "line", v->line);
	js_text(o, "of", account_of(im, a)[0] ? account_of(im, a) : NULL);
	js_text(o, "variable", v->name);
	js_text(o, "kind", account_kind_name(a));
	js_text(o, "written_in", im->file[a->at_file].path);
	js_number(o, "written_line", account_value(im, a)->line);
	js_bool(o, "comment", v->commented);
	if (a->token)
		report_secret(a->token, a->n, hidden);
	js_text(o, "shown", a->token ? hidden : NULL);
	explicit_bzero(hidden, sizeof(hidden));
	js_text(o, "source", a->ref);
	js_text(o, "base_url", a->base_url[0] ? a->base_url : NULL);
	js_text(o, "provider", a->provider[0] ? a->provider : NULL);
	js_text(o, "mode", a->provider_mode[0] ? a->provider_mode : NULL);
	js_text(o, "entry", a->entry[0] ? a->entry : NULL);
	js_text(o, "state", account_state_name(a));
	js_text(o, "error", a->why.what[0] ? a->why.what : NULL);
	for (i = 0; i < a->modes; i++)
		js_append_text(list, a->mode[i].name);
	js_put(o, "modes", list);
	list = js_object();
	for (i = 0; i < a->list.n; i++)
		js_text(list, a->list.set[i].name, a->list.set[i].value);
	js_put(o, "settings", list);
	list = js_array();
	for (i = 0; i < a->list.lefts; i++)
		js_append_text(list, a->list.left[i]);
	js_put(o, "left", list);
	return o;
}

static struct json_t *file_json(const struct import_file *file)
{
	struct json_t *o = js_object();

	js_text(o, "file", file->path);
	js_bool(o, "scrubbed", file->scrubbed);
	js_text(o, "note", file->note[0] ? file->note : NULL);
	js_text(o, "error", file->why.code ? file->why.what : NULL);
	if (file->parsed.bad_line)
		js_number(o, "line", file->parsed.bad_line);
	else
		js_null(o, "line");
	return o;
}

int report_json(const struct import *im, struct failure *f)
{
	struct json_t *root = js_object(), *list = js_array();
	unsigned i;

	for (i = 0; i < im->accounts; i++)
		js_append(list, account_json(im, &im->account[i]));
	js_put(root, "keys", list);
	list = js_array();
	for (i = 0; i < im->files; i++)
		js_append(list, file_json(&im->file[i]));
	js_put(root, "files", list);
	list = js_array();
	for (i = 0; i < im->writtens; i++)
		js_append_text(list, im->written[i]);
	js_put(root, "providers", list);
	list = js_array();
	for (i = 0; i < im->lefts; i++) {
		struct json_t *o = js_object();

		js_text(o, "file", im->left[i].path);
		js_text(o, "what", im->left[i].what);
		js_bool(o, "overwritten", im->left[i].wiped);
		js_append(list, o);
	}
	js_put(root, "leftovers", list);
	return js_print(root, f);
}
