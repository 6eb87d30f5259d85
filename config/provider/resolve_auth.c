/*
 * config/provider/resolve_auth.c - the kind of credential of a provider.
 */
#include "config/provider/resolve_auth.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/auth.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"
#include "wire/names.h"

static int resolve_placeholder(struct provider *p, const struct view *v, struct failure *f)
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
	/* Claude Code demands a credential: without one it would look for its own login,
	 * which does not belong to this endpoint. */
	if (!it && p->auth == AUTH_NONE && view_get(v, "provider", "base_url", NULL))
		snprintf(p->placeholder, sizeof(p->placeholder), "none");
	return 0;
}

int resolve_auth(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", "auth", NULL);
	const struct provider_param *param;
	char word[PROVIDER_VALUE_MAX + 1];
	const char *near;

	if (!it && v->n == 0)
		return fail_set(f, FAIL_INTERNAL, NULL, "provider without a file");
	if (!it)
		return fail_set(f, FAIL_CONFIG, AUTH_HINT_NAMES, "%s: [provider] has no auth",
				v->section[v->n - 1].file->path);
	if (params_expand(p, it, word, sizeof(word), f) != 0)
		return -1;
	/* A question that is not answered yet: take its default, so that the file can be read. */
	param = strncmp(word, "${", 2) == 0 ? params_find(p, word + 2, strlen(word) - 3) : NULL;
	if (param)
		snprintf(word, sizeof(word), "%s", param->fallback);
	if (auth_from_name(word, &p->auth, &near) != 0) {
		ini_fail(f, it, AUTH_HINT_NAMES, "auth: unknown kind of credential");
		if (near)
			fail_hint(f, "did you mean %s?", near);
		return -1;
	}
	return resolve_placeholder(p, v, f);
}
