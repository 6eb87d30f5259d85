/*
 * config/provider/resolve_secrets.c - as whom: the kind of credential, and which
 * vault entries become which variables.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/environment.h"
#include "config/ini/nearest.h"
#include "config/provider/resolve.h"
#include "wire/message.h"

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

static const char *const auth_names[] = { "bearer",  "api-key", "oauth", "none",
					  "foundry", "bedrock", "vertex" };

/*
 * The variable that carries the credential, in the order of enum auth.  An API
 * key goes by descriptor: for ANTHROPIC_API_KEY the full screen asks a question
 * that shows the key's end, and writes that into ~/.claude.json.
 */
static const char *const variables[] = { "ANTHROPIC_AUTH_TOKEN",
					 "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
					 "CLAUDE_CODE_OAUTH_TOKEN",
					 NULL,
					 "ANTHROPIC_FOUNDRY_API_KEY",
					 NULL,
					 NULL };

const char *auth_name(enum auth auth)
{
	return auth_names[auth];
}

bool auth_looks_like_key(const char *value)
{
	return strncmp(value, "sk-", 3) == 0 || strncasecmp(value, "bearer ", 7) == 0 ||
	       strncmp(value, "ABSK", 4) == 0;
}

static int placeholder(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "placeholder", NULL);

	if (params_text(p, v, "placeholder", p->placeholder, sizeof(p->placeholder), f) != 0)
		return -1;
	if (it && p->auth != AUTH_BEARER && p->auth != AUTH_NONE)
		return ini_fail(f, it, NULL, "placeholder goes with auth = bearer or none");
	if (it && (!wire_name_ok(p->placeholder) || strlen(p->placeholder) > 32 ||
		   auth_looks_like_key(p->placeholder)))
		return ini_fail(f, it, "a key is stored with ccctl add, in the vault",
				"placeholder is a word of up to 32 letters and digits");
	/* the client demands a credential, and without one it would look for its
	 * own login, which is nothing for this endpoint */
	if (!it && p->auth == AUTH_NONE && view_get(v, "provider", "base_url", NULL))
		snprintf(p->placeholder, sizeof(p->placeholder), "none");
	return 0;
}

int resolve_auth(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "auth", NULL);
	const struct provider_param *param;
	char word[PROVIDER_VALUE_MAX + 1], hint[128];
	const char *near;
	unsigned i;

	if (!it && v->n == 0)
		return fail_set(f, FAIL_INTERNAL, NULL, "provider without a file");
	if (!it)
		return fail_set(f, FAIL_CONFIG,
				"bearer, api-key, oauth, none, foundry, bedrock, vertex",
				"%s: [provider] has no auth", v->section[v->n - 1].file->path);
	if (params_expand(p, it, word, sizeof(word), f) != 0)
		return -1;
	/* not answered yet: what Enter would give, so that the file can be read */
	param = strncmp(word, "${", 2) == 0 ? params_find(p, word + 2, strlen(word) - 3) : NULL;
	if (param)
		snprintf(word, sizeof(word), "%s", param->fallback);
	for (i = 0; i < COUNT(auth_names) && strcmp(auth_names[i], word) != 0; i++)
		;
	if (i == COUNT(auth_names)) {
		near = nearest_word(word, auth_names, COUNT(auth_names));
		snprintf(hint, sizeof(hint), "did you mean %s?", near ? near : "");
		return ini_fail(f, it,
				near ? hint : "bearer, api-key, oauth, none, foundry, bedrock, vertex",
				"auth: not one of those we know");
	}
	p->auth = (enum auth)i;
	return placeholder(p, v, f);
}

static int add(struct provider *p, const char *variable, const char *entry,
	       const struct ini_item *at, struct failure *f)
{
	struct provider_secret *s = &p->secret[p->secrets];

	if (p->secrets == SESSION_ENTRIES_MAX)
		return ini_fail(f, at, NULL, "more than %d secrets", SESSION_ENTRIES_MAX);
	if (!wire_name_ok(entry) || auth_looks_like_key(entry))
		return ini_fail(f, at, "a key is stored with ccctl add; here stands the entry's name",
				"%s: not a name of a vault entry", at->key);
	snprintf(s->variable, sizeof(s->variable), "%s", variable);
	snprintf(s->entry, sizeof(s->entry), "%s", entry);
	p->secrets++;
	return 0;
}

/*
 * A mode's [secrets] replaces the default's: it is one set of credentials, and
 * two sets would go out together.
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

static int add_one(struct provider *p, const struct ini_item *it, struct failure *f)
{
	char entry[PROVIDER_VALUE_MAX + 1], hint[160];

	if (!variable_is_blanked(it->key) && !p->exposed) {
		snprintf(hint, sizeof(hint), "exposed = yes in [secrets] accepts that");
		return ini_fail(f, it, hint,
				"%s is not kept from MCP servers and hooks by the client", it->key);
	}
	if (params_expand(p, it, entry, sizeof(entry), f) != 0)
		return -1;
	return add(p, it->key, entry, it, f);
}

/* Returns how many variables [secrets] names, or -1. */
static int listed(struct provider *p, const struct view *v, struct failure *f)
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
	for (i = 0; i < n; i++)
		if (strcmp(items[i]->key, "exposed") != 0 && add_one(p, items[i], f) != 0)
			return -1;
	return n < 0 ? -1 : (int)p->secrets;
}

int resolve_secrets(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "secret", NULL);
	const struct ini_item *at = view_get(v, "provider", "auth", NULL);
	const struct layer_section *from = NULL;
	char entry[PROVIDER_VALUE_MAX + 1] = "";
	int n;

	if (p->auth == AUTH_NONE || (it && strcmp(it->value, "none") == 0))
		return 0;
	n = listed(p, v, f);
	if (n < 0)
		return -1;
	if (n > 0 && p->placeholder[0])
		return ini_fail(f, view_get(v, "provider", "placeholder", NULL), NULL,
				"placeholder and [secrets] exclude each other");
	if (n > 0 || p->placeholder[0])
		return 0;
	if (!variables[p->auth])
		return it ? ini_fail(f, it, "write VARIABLE = ENTRY in [secrets]",
				     "secret: auth = %s has no variable of its own", at->value)
			  : 0;
	if (it)
		return params_text(p, v, "secret", entry, sizeof(entry), f) != 0
			       ? -1
			       : add(p, variables[p->auth], entry, it, f);
	/* the file that says how to authenticate names the entry */
	view_get(v, "provider", "auth", &from);
	return add(p, variables[p->auth], from->owner, at, f);
}
