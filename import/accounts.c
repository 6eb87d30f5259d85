/*
 * import/accounts.c - from assignments to accounts: a token, where it
 * is written, and what stands beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import/found.h"
#include "config/provider/endpoint.h"
#include "wire/message.h"

const struct assign *account_at(const struct import *im, const struct account *a)
{
	return &im->file[a->at_file].r.assign[a->at_assign];
}

const struct assign *account_variable(const struct import *im, const struct account *a)
{
	return &im->file[a->file].r.assign[a->assign];
}

static bool has(const char *p, size_t n, const char *what)
{
	size_t k = strlen(what), i;

	for (i = 0; i + k <= n; i++)
		if (strncasecmp(p + i, what, k) == 0)
			return true;
	return false;
}

/* A word that stands where a key would: ollama, none, your-api-key, <key>. */
static bool placeholder(const char *p, size_t n, const char *base_url)
{
	struct endpoint e;
	size_t i;

	if (n < 8)
		return true;
	if (has(p, n, "your") && (has(p, n, "key") || has(p, n, "token")))
		return true;
	if (p[0] == '<' || has(p, n, "xxxx") || has(p, n, "placeholder") || has(p, n, "changeme"))
		return true;
	if (base_url[0] && endpoint_parse(base_url, &e) == NULL && e.local) {
		for (i = 0; i < n && ((p[i] >= 'a' && p[i] <= 'z') || strchr("-_.", p[i])); i++)
			;
		return i == n && n <= 32;
	}
	return false;
}

/*
 * Said once for every shell, in another file than the key?  NULL when nobody
 * says it; *more when two say different things.
 */
static const struct assign *elsewhere(const struct import *im, unsigned but, const char *name, unsigned *file,
				      bool *more)
{
	char text[SETTING_VALUE + 1], first[SETTING_VALUE + 1] = "";
	const struct assign *found = NULL, *a;
	unsigned i;

	for (i = 0; i < im->files; i++) {
		/* a wrapper's variables are its own */
		if (i == but || im->file[i].kind == FILE_SETTINGS || im->file[i].kind == FILE_KEY ||
		    strstr(im->file[i].path, "/bin/") || im->file[i].why.code)
			continue;
		a = settings_see(im, i, 0, name);
		if (!a || a->commented)
			continue;
		settings_text(im, i, a, text);
		*more = *more || (found && strcmp(text, first) != 0);
		memcpy(first, text, sizeof(first));
		found = a;
		*file = i;
	}
	return found;
}

/* The address that the key goes to.  0, or -1 when there is one that cannot be told. */
static int base_url(const struct import *im, unsigned file, unsigned scope, const char *variable,
		    char out[SETTING_VALUE + 1])
{
	static const char *const names[][2] = { { "ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_BASE_URL" },
						{ "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_BEDROCK_BASE_URL" } };
	const char *name = "ANTHROPIC_BASE_URL";
	const struct assign *a;
	bool more = false;
	unsigned i;

	for (i = 0; i < 2; i++)
		if (strcmp(variable, names[i][0]) == 0)
			name = names[i][1];
	out[0] = '\0';
	a = settings_see(im, file, scope, name);
	if (!a)
		a = elsewhere(im, file, name, &file, &more);
	if (!a)
		return 0;
	settings_text(im, file, a, out);
	endpoint_trim(out, true);
	return more || (!out[0] && !(a->kind == VALUE_LITERAL && a->n == 0)) ? -1 : 0;
}

/* Where the value is written, and what it is.  False: nothing of ours. */
static bool resolve(struct import *im, struct account *a)
{
	const struct assign *v;
	unsigned file = a->file;
	int key;

	v = settings_chase(im, &file, account_variable(im, a));
	if (!v) {
		a->kind = ACCOUNT_UNKNOWN;
		return true;
	}
	a->at_file = file;
	a->at_assign = (unsigned)(v - im->file[file].r.assign);
	if (v->kind == VALUE_FILE) {
		key = places_add(im, v->ref, FILE_KEY, false);
		for (file = 0; key < 0 && file < im->files; file++)
			if (strcmp(im->file[file].path, v->ref) == 0)
				key = (int)file;
		a->kind = ACCOUNT_UNKNOWN;
		if (key < 0 || im->file[key].why.code)
			return true;
		a->at_file = (unsigned)key;
		a->at_assign = 0;
		v = account_at(im, a);
	}
	if (v->kind == VALUE_SOURCE) {
		a->kind = ACCOUNT_SOURCE;
		a->ref = v->ref;
		return true;
	}
	if (v->kind != VALUE_LITERAL) {
		a->kind = ACCOUNT_UNKNOWN;
		return true;
	}
	a->token = v->p;
	a->n = v->n;
	a->kind = wire_token_check((const uint8_t *)v->p, v->n, &a->why) == 0 ? ACCOUNT_TOKEN : ACCOUNT_BAD;
	return v->n > 0 && !placeholder(v->p, v->n, a->base_url);
}

static void settings_drop(struct settings_list *l)
{
	free(l->set);
	memset(l, 0, sizeof(*l));
}

static int add(struct import *im, unsigned file, unsigned assign, struct failure *f)
{
	struct account *a = &im->account[im->accounts];
	unsigned scope;
	bool lost = false;

	if (im->accounts == ACCOUNTS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "more than %d keys", ACCOUNTS_MAX);
	memset(a, 0, sizeof(*a));
	a->file = a->at_file = file;
	a->assign = a->at_assign = assign;
	scope = im->file[file].r.assign[assign].scope;
	if (map_carrier(account_variable(im, a)->name))
		lost = base_url(im, file, scope, account_variable(im, a)->name, a->base_url) != 0;
	if (!resolve(im, a))
		return 0;
	/* To the wrong one it must not go, least of all to the client's own. */
	if (lost && (a->kind == ACCOUNT_TOKEN || a->kind == ACCOUNT_SOURCE)) {
		a->kind = ACCOUNT_BAD;
		fail_set(&a->why, FAIL_CONFIG, NULL, "to which address it goes cannot be told");
	}
	if (map_carrier(account_variable(im, a)->name) &&
	    settings_gather(im, file, scope, NULL, &a->list, f) != 0)
		return -1;
	a->twin = im->accounts++;
	return 0;
}

/* Has an account this assignment already, as its own or as its value's? */
static bool used(const struct import *im, unsigned file, unsigned assign)
{
	unsigned i;

	for (i = 0; i < im->accounts; i++)
		if ((im->account[i].file == file && im->account[i].assign == assign) ||
		    (im->account[i].at_file == file && im->account[i].at_assign == assign))
			return true;
	return false;
}

static int pass(struct import *im, bool commented, bool vendors, struct failure *f)
{
	unsigned i, k, files = im->files;

	for (i = 0; i < files; i++)
		for (k = 0; k < im->file[i].r.n; k++) {
			const struct assign *a = &im->file[i].r.assign[k];

			if (a->commented != commented ||
			    !(vendors ? map_vendor(a->name) : map_carrier(a->name)) || used(im, i, k))
				continue;
			if (add(im, i, k, f) != 0)
				return -1;
		}
	return 0;
}

/* ---- modes ---- */

static const char *mode_of(const struct import *im, const struct account *a)
{
	return im->file[a->file].r.scope[account_variable(im, a)->scope].mode;
}

static int add_mode(struct import *im, struct account *main, const char *name, struct failure *f)
{
	const struct reading *r = &im->file[main->file].r;
	struct mode *m = &main->mode[main->modes];
	char text[SETTING_VALUE + 1];
	unsigned i;

	if (main->modes == MODES_MAX)
		return 0;
	memset(m, 0, sizeof(*m));
	memcpy(m->name, name, strlen(name) + 1);
	m->account = ACCOUNTS_MAX;
	for (i = 0; i < im->accounts; i++)
		if (im->account[i].file == main->file && strcmp(mode_of(im, &im->account[i]), name) == 0)
			m->account = i;
	for (i = 0; i < r->n; i++) {
		const struct assign *a = &r->assign[i];

		if (a->commented || strcmp(r->scope[a->scope].mode, name) != 0)
			continue;
		settings_text(im, main->file, a, text);
		if (strcmp(a->name, "ANTHROPIC_BASE_URL") == 0) {
			endpoint_trim(text, true);
			memcpy(m->base_url, text, sizeof(text));
		} else if (map_carrier(a->name) && m->account == ACCOUNTS_MAX && wire_name_ok(text) &&
			   strlen(text) < sizeof(m->placeholder)) {
			memcpy(m->placeholder, text, strlen(text) + 1);
		}
	}
	explicit_bzero(text, sizeof(text));
	if (settings_gather(im, main->file, 0, name, &m->list, f) != 0)
		return -1;
	if (m->base_url[0] || m->list.n > 0)
		main->modes++;
	else
		settings_drop(&m->list);
	return 0;
}

static int modes(struct import *im, unsigned i, struct failure *f)
{
	struct account *main = &im->account[i];
	const struct reading *r = &im->file[main->file].r;
	unsigned s, k;

	/* The first of a file that is in no branch of its own has the branches. */
	for (k = 0; k < i; k++)
		if (im->account[k].file == main->file && !mode_of(im, &im->account[k])[0])
			return 0;
	for (s = 0; s < r->scopes; s++) {
		for (k = 0; k < main->modes && strcmp(main->mode[k].name, r->scope[s].mode) != 0; k++)
			;
		if (r->scope[s].mode[0] && k == main->modes &&
		    add_mode(im, main, r->scope[s].mode, f) != 0)
			return -1;
	}
	return 0;
}

int accounts_collect(struct import *im, struct failure *f)
{
	unsigned i;
	int round;

	/* Live ones first: they get the names.  A vendor's variable counts by itself
	 * when no variable of the client's stands for it. */
	for (round = 0; round < 4; round++)
		if (pass(im, round & 2, round & 1, f) != 0)
			return -1;
	for (i = 0; i < im->accounts; i++)
		if (!mode_of(im, &im->account[i])[0] && !account_variable(im, &im->account[i])->commented &&
		    modes(im, i, f) != 0)
			return -1;
	return 0;
}

void accounts_free(struct import *im)
{
	unsigned i, k;

	for (i = 0; i < im->accounts; i++) {
		settings_drop(&im->account[i].list);
		for (k = 0; k < im->account[i].modes; k++)
			settings_drop(&im->account[i].mode[k].list);
	}
	for (i = 0; i < im->files; i++) {
		reading_free(&im->file[i].r);
		text_free(&im->file[i].text);
	}
}
