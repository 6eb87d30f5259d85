/*
 * import/accounts.c - from assignments to accounts: a token, where it is written, its
 * address, and the settings and modes beside it.
 */
#include "import/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "wire/endpoint.h"
#include "import/file_add.h"
#include "import/provider_settings.h"
#include "import/token_variables.h"
#include "import/variables.h"
#include "wire/names.h"

#define KEY_PIECE 12 /* characters in a row: as FRAGMENT_LEAST */

const struct assignment *account_value(const struct import *im, const struct account *a)
{
	return &im->file[a->at_file].parsed.assign[a->at_assign];
}

const struct assignment *account_variable(const struct import *im, const struct account *a)
{
	return &im->file[a->file].parsed.assign[a->assign];
}

const char *account_of(const struct import *im, const struct account *a)
{
	return im->file[a->file].parsed.scope[account_variable(im, a)->scope].of;
}

bool account_in_vault(const struct account *a)
{
	return a->kind == ACCOUNT_TOKEN && (a->state == STATE_STORED || a->state == STATE_SAME);
}

static bool text_contains(const char *p, size_t n, const char *what)
{
	size_t k = strlen(what), i;

	for (i = 0; i + k <= n; i++)
		if (strncasecmp(p + i, what, k) == 0)
			return true;
	return false;
}

/* Letters of one case, as in lm-studio or PROXY_MANAGED; no key is. */
static bool text_is_word(const char *p, size_t n)
{
	bool lower = false, upper = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] >= 'a' && p[i] <= 'z')
			lower = true;
		else if (p[i] >= 'A' && p[i] <= 'Z')
			upper = true;
		else if (!strchr("-_.", p[i]))
			return false;
	}
	return n <= 32 && lower != upper;
}

/* A word in the place of a key: ollama, none, your-api-key, <key>. */
static bool token_is_placeholder(const char *p, size_t n, const char *base_url)
{
	struct endpoint e;

	if (n < 8)
		return true;
	if (text_contains(p, n, "your") &&
	    (text_contains(p, n, "key") || text_contains(p, n, "token")))
		return true;
	if (p[0] == '<' || text_contains(p, n, "xxxx") || text_contains(p, n, "placeholder") ||
	    text_contains(p, n, "changeme"))
		return true;
	return base_url[0] && endpoint_parse(base_url, &e) == NULL && e.local && text_is_word(p, n);
}

/*
 * The assignment of name for the whole of another shell file than `but`; *file: which.
 * NULL when there is none; *more: two files assign different values.
 */
static const struct assignment *variable_in_other_file(const struct import *im, unsigned but,
						       const char *name, unsigned *file, bool *more)
{
	char text[SETTING_VALUE_MAX + 1], first[SETTING_VALUE_MAX + 1] = "";
	const struct assignment *found = NULL, *a;
	unsigned i;

	for (i = 0; i < im->files; i++) {
		if (i == but || im->file[i].why.code || !variables_are_exported(&im->file[i]) ||
		    !side_says(im->file[i].side, im->file[but].side))
			continue;
		a = variable_visible(im, i, 0, name);
		if (!a || a->commented)
			continue;
		variable_text(im, i, a, text);
		*more = *more || (found && strcmp(text, first) != 0);
		memcpy(first, text, sizeof(first));
		found = a;
		*file = i;
	}
	return found;
}

/* The assignment of name that holds in the files that read this one, where they do. */
static const struct assignment *variable_of_readers(const struct import *im, unsigned of,
						    const char *name, unsigned *file, bool *more)
{
	char text[SETTING_VALUE_MAX + 1], first[SETTING_VALUE_MAX + 1] = "";
	const struct assignment *found = NULL, *a;
	unsigned i, k;

	for (i = 0; i < im->files; i++)
		for (k = 0; k < im->file[i].parsed.sources; k++) {
			const struct sourced *s = &im->file[i].parsed.sourced[k];

			if (s->file != (int)of || !side_says(im->file[i].side, im->file[of].side))
				continue;
			a = variable_visible(im, i, s->scope, name);
			if (!a || a->commented)
				continue;
			variable_text(im, i, a, text);
			*more = *more || (found && strcmp(text, first) != 0);
			memcpy(first, text, sizeof(first));
			found = a;
			*file = i;
		}
	return found;
}

/* The address that the token goes to, "" the default.  -1: there is one, which is not known. */
static int account_base_url(const struct import *im, unsigned file, unsigned scope,
			    const char *variable, char out[SETTING_VALUE_MAX + 1])
{
	static const char *const names[][2] = {
		{ "ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_BASE_URL" },
		{ "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_BEDROCK_BASE_URL" }
	};
	const char *name = "ANTHROPIC_BASE_URL";
	const struct assignment *a;
	bool more = false;
	unsigned i;

	for (i = 0; i < 2; i++)
		if (strcmp(variable, names[i][0]) == 0)
			name = names[i][1];
	out[0] = '\0';
	a = variable_visible(im, file, scope, name);
	if (!a)
		a = variable_of_readers(im, file, name, &file, &more);
	if (!a)
		a = variable_in_other_file(im, file, name, &file, &more);
	if (!a)
		return 0;
	variable_text(im, file, a, out);
	endpoint_correct(out, true);
	return more || (!out[0] && !(a->kind == VALUE_LITERAL && a->n == 0)) ? -1 : 0;
}

/* A repository's file names a value that is not in the repository. */
static bool account_fail_outside(struct account *a)
{
	a->kind = ACCOUNT_BAD;
	fail_set(&a->why, FAIL_POLICY, NULL,
		 "its value is in no file of this directory (name the files that you mean: ccctl "
		 "import FILE ...)");
	return true;
}

/* Find where the value is written and what it is.  False: it is no token. */
static bool account_resolve(struct import *im, struct account *a)
{
	const struct assignment *v;
	const unsigned side = im->file[a->file].side;
	unsigned file = a->file;
	int key;

	v = variable_follow(im, &file, account_variable(im, a));
	if (!v && side != SIDE_OWN)
		return account_fail_outside(a);
	if (!v) {
		a->kind = ACCOUNT_UNKNOWN;
		return true;
	}
	a->at_file = file;
	a->at_assign = (unsigned)(v - im->file[file].parsed.assign);
	if (v->kind == VALUE_FILE) {
		key = file_add(im, v->ref, FILE_KEY, false, side);
		for (file = 0; key < 0 && file < im->files; file++)
			if (strcmp(im->file[file].path, v->ref) == 0)
				key = (int)file;
		a->kind = ACCOUNT_UNKNOWN;
		if (side != SIDE_OWN && !(key >= 0 && im->file[key].side == side))
			return account_fail_outside(a);
		if (key < 0 || im->file[key].why.code)
			return true;
		a->at_file = (unsigned)key;
		a->at_assign = 0;
		v = account_value(im, a);
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
	a->kind = wire_token_check((const uint8_t *)v->p, v->n, &a->why) == 0 ? ACCOUNT_TOKEN
									      : ACCOUNT_BAD;
	return v->n > 0 && !token_is_placeholder(v->p, v->n, a->base_url);
}

/*
 * A host is written in small letters, also one that is a key; and the address stands in the
 * provider's file, which anybody may read.
 */
static bool address_has_key(const struct account *a)
{
	const char *at;
	size_t i;

	for (i = 0; a->token && i + KEY_PIECE <= a->n; i++)
		for (at = a->base_url; *at; at++)
			if (strncasecmp(at, a->token + i, KEY_PIECE) == 0)
				return true;
	return false;
}

static int account_add(struct import *im, unsigned file, unsigned assign, struct failure *f)
{
	struct account *a = &im->account[im->accounts];
	unsigned scope;
	bool lost = false;

	if (im->accounts == ACCOUNTS_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "more than %d keys", ACCOUNTS_MAX);
	memset(a, 0, sizeof(*a));
	a->file = a->at_file = file;
	a->assign = a->at_assign = assign;
	scope = im->file[file].parsed.assign[assign].scope;
	if (client_variable_find(account_variable(im, a)->name))
		lost = account_base_url(im, file, scope, account_variable(im, a)->name,
					a->base_url) != 0;
	if (!account_resolve(im, a))
		return 0;
	/* claude-code-router translates: its addresses are for another protocol. */
	if (strcmp(account_variable(im, a)->name, OTHER_API_KEY) == 0) {
		a->kind = ACCOUNT_BAD;
		fail_set(&a->why, FAIL_CONFIG, NULL,
			 "its address is not known to speak the Messages API (ccctl add NAME)");
	}
	if (address_has_key(a)) {
		a->kind = ACCOUNT_BAD;
		io_wipe(a->base_url, sizeof(a->base_url));
		fail_set(&a->why, FAIL_CONFIG, NULL,
			 "its address has the key in it, and would show it (ccctl add NAME)");
	}
	/* The token must not go to another address, such as claude's default. */
	if (lost && (a->kind == ACCOUNT_TOKEN || a->kind == ACCOUNT_SOURCE)) {
		a->kind = ACCOUNT_BAD;
		fail_set(&a->why, FAIL_CONFIG, NULL, "to which address it goes cannot be told");
	}
	if (client_variable_find(account_variable(im, a)->name) &&
	    provider_settings_gather(im, file, scope, NULL, &a->list, f) != 0)
		return -1;
	a->twin = im->accounts++;
	return 0;
}

/* Is the assignment part of an account already? */
static bool assignment_is_used(const struct import *im, unsigned file, unsigned assign)
{
	unsigned i;

	for (i = 0; i < im->accounts; i++)
		if ((im->account[i].file == file && im->account[i].assign == assign) ||
		    (im->account[i].at_file == file && im->account[i].at_assign == assign))
			return true;
	return false;
}

static int accounts_add_all(struct import *im, bool commented, bool vendors, struct failure *f)
{
	unsigned i, k, files = im->files;

	for (i = 0; i < files; i++)
		for (k = 0; k < im->file[i].parsed.n; k++) {
			const struct assignment *a = &im->file[i].parsed.assign[k];

			if (a->commented != commented ||
			    !(vendors ? vendor_variable_find(a->name) != NULL ||
						(im->file[i].kind == FILE_ROUTER &&
						 strcmp(a->name, OTHER_API_KEY) == 0)
				      : client_variable_find(a->name) != NULL) ||
			    assignment_is_used(im, i, k))
				continue;
			if (account_add(im, i, k, f) != 0)
				return -1;
		}
	return 0;
}

/* ---- modes ---- */

static const char *account_mode(const struct import *im, const struct account *a)
{
	return im->file[a->file].parsed.scope[account_variable(im, a)->scope].mode;
}

static int account_add_mode(struct import *im, struct account *main, const char *name,
			    struct failure *f)
{
	const struct assignments *r = &im->file[main->file].parsed;
	struct mode *m = &main->mode[main->modes];
	char text[SETTING_VALUE_MAX + 1];
	unsigned i;

	if (main->modes == MODES_MAX)
		return 0;
	memset(m, 0, sizeof(*m));
	memcpy(m->name, name, strlen(name) + 1);
	m->account = ACCOUNTS_MAX;
	for (i = 0; i < im->accounts; i++)
		if (im->account[i].file == main->file &&
		    strcmp(account_mode(im, &im->account[i]), name) == 0)
			m->account = i;
	for (i = 0; i < r->n; i++) {
		const struct assignment *a = &r->assign[i];

		if (a->commented || strcmp(r->scope[a->scope].mode, name) != 0)
			continue;
		variable_text(im, main->file, a, text);
		if (strcmp(a->name, "ANTHROPIC_BASE_URL") == 0) {
			endpoint_correct(text, true);
			memcpy(m->base_url, text, sizeof(text));
		} else if (client_variable_find(a->name) && m->account == ACCOUNTS_MAX &&
			   wire_name_ok(text) && strlen(text) < sizeof(m->placeholder)) {
			memcpy(m->placeholder, text, strlen(text) + 1);
		}
	}
	explicit_bzero(text, sizeof(text));
	if (provider_settings_gather(im, main->file, 0, name, &m->list, f) != 0)
		return -1;
	if (m->base_url[0] || m->list.n > 0)
		main->modes++;
	else
		provider_settings_free(&m->list);
	return 0;
}

static int account_add_modes(struct import *im, unsigned i, struct failure *f)
{
	struct account *main = &im->account[i];
	const struct assignments *r = &im->file[main->file].parsed;
	unsigned s, k;

	/* The file's first account outside of a branch gets the branches. */
	for (k = 0; k < i; k++)
		if (im->account[k].file == main->file && !account_mode(im, &im->account[k])[0])
			return 0;
	for (s = 0; s < r->scopes; s++) {
		for (k = 0; k < main->modes && strcmp(main->mode[k].name, r->scope[s].mode) != 0;
		     k++)
			;
		if (r->scope[s].mode[0] && k == main->modes &&
		    account_add_mode(im, main, r->scope[s].mode, f) != 0)
			return -1;
	}
	return 0;
}

int accounts_collect(struct import *im, struct failure *f)
{
	unsigned i;
	int round;

	/* Those in comments come last, so that others get the better names.  A vendor's
	 * variable is an account when no variable of claude's has its value. */
	for (round = 0; round < 4; round++)
		if (accounts_add_all(im, round & 2, round & 1, f) != 0)
			return -1;
	for (i = 0; i < im->accounts; i++)
		if (!account_mode(im, &im->account[i])[0] &&
		    !account_variable(im, &im->account[i])->commented &&
		    account_add_modes(im, i, f) != 0)
			return -1;
	return 0;
}

void accounts_free(struct import *im)
{
	unsigned i, k;

	for (i = 0; i < im->accounts; i++) {
		provider_settings_free(&im->account[i].list);
		for (k = 0; k < im->account[i].modes; k++)
			provider_settings_free(&im->account[i].mode[k].list);
	}
	for (i = 0; i < im->files; i++) {
		assignments_free(&im->file[i].parsed);
		locked_text_free(&im->file[i].text);
	}
}
