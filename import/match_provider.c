/*
 * import/match_provider.c - which provider an account is for: by the address beside
 * the token, else by its variable, else by the token's prefix.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/common/entries.h"
#include "wire/endpoint.h"
#include "import/accounts.h"
#include "import/match_provider.h"
#include "import/token_variables.h"
#include "wire/names.h"
#include "config/provider/names.h"
#include "config/provider/params.h"

int match_add_provider(struct import *im, const struct known_provider *k, struct failure *f)
{
	struct known_provider *grown = im->known;

	if (im->knowns == im->known_room) {
		im->known_room = im->known_room ? 2 * im->known_room : 64;
		grown = reallocarray(im->known, im->known_room, sizeof(*grown));
		if (!grown)
			return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory");
		im->known = grown;
	}
	im->known[im->knowns++] = *k;
	return 0;
}

const struct known_provider *match_find_known(const struct import *im, const char *name)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (strcmp(im->known[i].name, name) == 0 && !im->known[i].mode[0])
			return &im->known[i];
	return NULL;
}

/* A provider whose file cannot be loaded is left out. */
static int known_load(struct import *im, const char *name, const char *mode, struct provider **out,
		      struct failure *f)
{
	struct known_provider k = { 0 };

	if (provider_load(name, mode, out, NULL) != 0)
		return 0;
	snprintf(k.name, sizeof(k.name), "%s", name);
	snprintf(k.mode, sizeof(k.mode), "%s", mode);
	/* No address in a shell file is longer. */
	if (strlen((*out)->base_url) <= SETTING_VALUE_MAX)
		memcpy(k.base_url, (*out)->base_url, strlen((*out)->base_url) + 1);
	k.auth = (*out)->auth;
	k.ships = strcmp((*out)->shipped, name) == 0;
	k.secret = (*out)->secrets > 0;
	if (k.secret)
		memcpy(k.entry, (*out)->secret[0].entry, sizeof(k.entry));
	return match_add_provider(im, &k, f);
}

static int known_load_all(struct import *im, struct failure *f)
{
	struct provider *p, *q;
	char **names;
	unsigned i, k, n;
	int r = 0;

	if (provider_names(&names, &n, f) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		p = NULL;
		r = r == 0 ? known_load(im, names[i], "", &p, f) : r;
		for (k = 0; p && k < p->mode_count && r == 0; k++) {
			q = NULL;
			r = known_load(im, names[i], p->modes[k], &q, f);
			provider_free(q);
		}
		provider_free(p);
		free(names[i]);
	}
	free(names);
	return r;
}

/* Hosts are compared without case, the rest with it. */
static bool urls_alike(const char *a, const char *b)
{
	size_t start, end;

	if (endpoint_span(a, &start, &end) != NULL || strncasecmp(a, b, end) != 0)
		return false;
	return strcmp(a + end, b + end) == 0;
}

bool match_url_template(const char *template, const char *url, const char *name, char *value,
			size_t size)
{
	const char *open = strstr(template, "${"), *close = open ? strchr(open, '}') : NULL;
	size_t before, behind, n = strlen(url), len;

	/* A template that is all parameter has the form of every address. */
	if (!close || open == template || strstr(close, "${"))
		return false;
	if (name && (strlen(name) != (size_t)(close - open) - 2 ||
		     strncmp(open + 2, name, strlen(name)) != 0))
		return false;
	before = (size_t)(open - template);
	behind = strlen(close + 1);
	if (n <= before + behind || strncasecmp(url, template, before) != 0 ||
	    strcmp(url + n - behind, close + 1) != 0)
		return false;
	len = n - before - behind;
	if (len >= size)
		return false;
	memcpy(value, url + before, len);
	value[len] = '\0';
	return value[strspn(value,
			    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] ==
	       '\0';
}

/* Does the provider's address have a place for a parameter, and can it be what url has there? */
static bool known_at_template(const struct known_provider *k, const char *url)
{
	char value[SETTING_VALUE_MAX + 1];
	struct provider *p;
	bool found = false;
	unsigned i;

	if (!match_url_template(k->base_url, url, NULL, value, sizeof(value)) ||
	    provider_load(k->name, k->mode, &p, NULL) != 0)
		return false;
	for (i = 0; i < p->params && !found; i++)
		found = match_url_template(k->base_url, url, p->param[i].name, value,
					   sizeof(value)) &&
			(p->param[i].choices[0] ? params_choice_ok(&p->param[i], value)
						: !strchr(value, '.'));
	provider_free(p);
	return found;
}

/* A file of the user's own is easily planted beside a shipped one of the same address. */
static unsigned known_rank(const struct known_provider *k)
{
	return (k->ships ? 2u : 0u) + (strcmp(k->name, k->entry) == 0 && !k->mode[0]);
}

/* The best of those at the address: one that ships, the one that the entry is named for. */
static const struct known_provider *known_by_url(const struct import *im, const char *url)
{
	const struct known_provider *best = NULL;
	unsigned i;

	for (i = 0; i < im->knowns; i++) {
		const struct known_provider *k = &im->known[i];

		if (!k->secret || !k->base_url[0] ||
		    (!urls_alike(k->base_url, url) && !known_at_template(k, url)))
			continue;
		if (!best || known_rank(k) > known_rank(best))
			best = k;
	}
	return best;
}

static const struct known_provider *known_by_name(const struct import *im, const char *name,
						  const char *mode)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (im->known[i].secret && strcmp(im->known[i].name, name) == 0 &&
		    strcmp(im->known[i].mode, mode) == 0)
			return &im->known[i];
	return NULL;
}

/* The client's own endpoint, by the kind of credential; nothing but the kind names it, so that a
 * file of the user's own could be the one. */
static const struct known_provider *known_by_auth(const struct import *im, enum auth auth)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (im->known[i].secret && im->known[i].ships && im->known[i].auth == auth &&
		    !im->known[i].base_url[0])
			return &im->known[i];
	return NULL;
}

static bool token_begins(const struct account *a, const char *with)
{
	return a->kind == ACCOUNT_TOKEN && a->n > strlen(with) &&
	       memcmp(a->token, with, strlen(with)) == 0;
}

static const struct known_provider *known_by_token_prefix(const struct import *im,
							  const struct account *a)
{
	if (token_begins(a, "sk-or-"))
		return known_by_name(im, "openrouter", "");
	if (token_begins(a, "sk-ant-oat"))
		return known_by_auth(im, AUTH_OAUTH);
	if (token_begins(a, "sk-ant-"))
		return known_by_name(im, "anthropic", "");
	return NULL;
}

bool match_name_taken(const struct import *im, const char *name)
{
	unsigned i;

	for (i = 0; i < im->knowns; i++)
		if (strcmp(im->known[i].name, name) == 0 || strcmp(im->known[i].entry, name) == 0)
			return true;
	for (i = 0; i < im->accounts; i++)
		if (strcmp(im->account[i].entry, name) == 0 ||
		    strcmp(im->account[i].provider, name) == 0)
			return true;
	return entries_find(im->entry, im->entries, name) != NULL;
}

/* Is the host a number, or this machine?  Then it names nobody. */
static bool host_is_nameless(const char *host)
{
	const char *end = strrchr(host, '.');

	return strchr(host, ':') || strcasecmp(host, "localhost") == 0 ||
	       (end && strspn(end + 1, "0123456789") == strlen(end + 1));
}

/* A name for the provider of an address: "example" for api.example.com; an IP
 * address and localhost as they are, where the script (or "") has no name. */
static void provider_name_of_url(const char *url, const char *script, char out[NAME_MAX_LEN - 7])
{
	char host[256], *label, *end;
	struct endpoint e;
	size_t i;

	if (endpoint_parse(url, &e) != NULL)
		e.host[0] = '\0';
	memcpy(host, e.host, sizeof(host));
	if (script[0] && host_is_nameless(host)) {
		snprintf(out, NAME_MAX_LEN - 7, "%s", script);
		return;
	}
	for (i = 0; host[i]; i++)
		if (host[i] >= 'A' && host[i] <= 'Z')
			host[i] = (char)(host[i] | 0x20);
	end = strrchr(host, '.');
	label = host;
	if (end && !host_is_nameless(host)) {
		*end = '\0';
		label = strrchr(host, '.') ? strrchr(host, '.') + 1 : host;
		/* co.uk, com.cn */
		if (strlen(label) <= 3 && label > host && strlen(end + 1) == 2 &&
		    strcmp(label, "z") != 0) {
			label[-1] = '\0';
			label = strrchr(host, '.') ? strrchr(host, '.') + 1 : host;
		}
	}
	for (i = 0; label[i]; i++)
		if (label[i] == '.' || label[i] == ':')
			label[i] = '-';
	snprintf(out, NAME_MAX_LEN - 7, "%.50s", label);
	if (!wire_name_ok(out))
		snprintf(out, NAME_MAX_LEN - 7, "imported");
}

/* A name out of that of a script of the user's, or "": "beta" for claude-beta.sh. */
static void provider_name_of_script(const struct import_file *file, char out[NAME_MAX_LEN - 7])
{
	const char *name = strrchr(file->path, '/') ? strrchr(file->path, '/') + 1 : file->path;
	static const char word[] = "claude-", behind[] = "-claude";
	size_t n = strcspn(name, "."), more = sizeof(behind) - 1;

	if (n > sizeof(word) - 1 && strncmp(name, word, sizeof(word) - 1) == 0) {
		name += sizeof(word) - 1;
		n -= sizeof(word) - 1;
	} else if (n > more && strncmp(name + n - more, behind, more) == 0) {
		n -= more;
	}
	snprintf(out, NAME_MAX_LEN - 7, "%.*s", (int)(n < 50 ? n : 50), name);
	/* What is sourced names no provider, and a project's scripts are anyone's. */
	if (file->kind != FILE_SHELL || file->side != SIDE_OWN || !(file->st.st_mode & S_IXUSR) ||
	    !wire_name_ok(out) || strcmp(out, "claude") == 0)
		out[0] = '\0';
}

static void name_make_unique(const struct import *im, const char *base, char out[NAME_MAX_LEN + 1])
{
	unsigned i;

	snprintf(out, NAME_MAX_LEN + 1, "%.56s", base);
	for (i = 2; match_name_taken(im, out); i++)
		snprintf(out, NAME_MAX_LEN + 1, "%.56s-%u", base, i);
}

/* No provider has this address: a new one, whose file is written later. */
static int account_new_provider(struct import *im, struct account *a, const char *base,
				enum auth auth, struct failure *f)
{
	struct known_provider k = { .auth = auth, .secret = true };

	name_make_unique(im, base, k.name);
	memcpy(k.entry, k.name, sizeof(k.entry));
	memcpy(k.base_url, a->base_url, sizeof(k.base_url));
	a->fresh = true;
	memcpy(a->provider, k.name, sizeof(k.name));
	memcpy(a->entry, k.entry, sizeof(k.entry));
	return match_add_provider(im, &k, f);
}

static int account_use_provider(struct account *a, const struct known_provider *k)
{
	memcpy(a->provider, k->name, sizeof(k->name));
	memcpy(a->provider_mode, k->mode, sizeof(k->mode));
	memcpy(a->entry, k->entry, sizeof(k->entry));
	return 0;
}

static int match_client_account(struct import *im, struct account *a, enum auth auth,
				struct failure *f)
{
	const struct known_provider *k = NULL;
	struct endpoint e;
	char name[NAME_MAX_LEN - 7], script[NAME_MAX_LEN - 7];
	const char *why;

	why = a->base_url[0] ? endpoint_parse(a->base_url, &e) : NULL;
	if (why) {
		/* No provider's file can have this address. */
		a->kind = ACCOUNT_BAD;
		fail_set(&a->why, FAIL_CONFIG, NULL, "the address beside it: %.200s", why);
		return 0;
	}
	if (strcmp(a->base_url, "https://api.anthropic.com") == 0)
		a->base_url[0] = '\0';
	if (a->base_url[0]) {
		k = known_by_url(im, a->base_url);
		provider_name_of_script(&im->file[a->file], script);
		provider_name_of_url(a->base_url, script, name);
		return k ? account_use_provider(a, k) : account_new_provider(im, a, name, auth, f);
	}
	k = known_by_token_prefix(im, a);
	if (!k && auth == AUTH_BEDROCK)
		k = known_by_name(im, "bedrock", "bearer");
	if (!k && auth == AUTH_API_KEY)
		k = known_by_name(im, "anthropic", "");
	k = k ? k : known_by_auth(im, auth);
	if (k)
		return account_use_provider(a, k);
	/* A bearer token without an address goes to the client's own endpoint. */
	return account_new_provider(im, a, auth == AUTH_OAUTH ? "claude-token" : "anthropic-bearer",
				    auth, f);
}

static int match_vendor_account(struct import *im, struct account *a,
				const struct vendor_variable *v, struct failure *f)
{
	const struct known_provider *k = known_by_url(im, v->base_url);

	snprintf(a->base_url, sizeof(a->base_url), "%s", v->base_url);
	k = k ? k : known_by_name(im, v->provider, "");
	if (k)
		return account_use_provider(a, k);
	return account_new_provider(im, a, v->provider, a->base_url[0] ? AUTH_BEARER : AUTH_API_KEY,
				    f);
}

static int match_account(struct import *im, struct account *a, struct failure *f)
{
	const char *name = account_variable(im, a)->name;
	const struct client_variable *client = client_variable_find(name);
	const struct vendor_variable *vendor = vendor_variable_find(name);

	if (client)
		return match_client_account(im, a, client->auth, f);
	return vendor ? match_vendor_account(im, a, vendor, f) : 0;
}

static bool accounts_alike(const struct account *a, const struct account *b)
{
	if (a->kind != b->kind || strcmp(a->provider, b->provider) != 0)
		return false;
	if (a->kind == ACCOUNT_SOURCE)
		return strcmp(a->ref, b->ref) == 0;
	return a->n == b->n && memcmp(a->token, b->token, a->n) == 0;
}

int match_accounts(struct import *im, struct failure *f)
{
	struct account *a;
	unsigned i, k;

	if (known_load_all(im, f) != 0)
		return -1;
	for (i = 0; i < im->accounts; i++) {
		a = &im->account[i];
		if (a->kind == ACCOUNT_UNKNOWN || a->kind == ACCOUNT_BAD)
			continue;
		if (match_account(im, a, f) != 0)
			return -1;
		for (k = 0; k < i; k++)
			if (accounts_alike(&im->account[k], a))
				break;
		a->twin = k;
	}
	return 0;
}
