/*
 * config/provider/overlay.c - writing one parameter into the user's overlay.
 * It is the user's file: all but the one value stays as it was, byte for byte.
 */
#include "config/provider/overlay.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_value.h"
#include "config/ini/user_file.h"
#include "config/provider/auth.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"

enum trial { TRIAL_FAILED = -1, TRIAL_NO_PARAMETER, TRIAL_KNOWN };

/* Load the provider as if the value were in its overlay. */
static enum trial store_try_value(const char *name, const char *mode, const char *key,
				  const char *value, struct failure *f)
{
	struct provider *p, *without;
	bool found;

	if (provider_load_trying(name, mode, key, value, &p, f) != 0) {
		/* A mode that cannot be loaded without the value either is not this value's fault. */
		if (mode[0] && provider_load(name, mode, &without, NULL) != 0)
			return TRIAL_NO_PARAMETER;
		if (mode[0])
			provider_free(without);
		return TRIAL_FAILED;
	}
	found = params_find(p, key, strlen(key)) != NULL;
	provider_free(p);
	return found ? TRIAL_KNOWN : TRIAL_NO_PARAMETER;
}

/* A value as it was typed or pasted, without the blanks around it and one pair of quotes. */
static int params_trim(const char *typed, char *out, size_t size)
{
	struct ini_span v;
	const char *hint;

	/* What would be a comment in a file is refused here. */
	if (ini_value_find(typed, strlen(typed), &v, &hint) || v.end - v.start >= size ||
	    typed[v.to + strspn(typed + v.to, " \t\r")])
		return -1;
	memcpy(out, typed + v.start, v.end - v.start);
	out[v.end - v.start] = '\0';
	return 0;
}

int provider_set_param(const char *name, const char *key, const char *given, struct failure *f)
{
	char leaf[NAME_MAX_LEN + 16], value[PROVIDER_VALUE_MAX + 1];
	struct provider *p;
	enum trial known, r;
	unsigned i;

	if (params_trim(given, value, sizeof(value)) != 0 || !params_value_ok(value))
		return fail_set(f, FAIL_BAD_VALUE, PARAMS_HINT_CHARACTERS,
				"the value of %.64s has characters that a parameter cannot have",
				key);
	/* Typed at the wrong question, where it was shown, too. */
	if (auth_looks_like_secret(value)) {
		fail_set(f, FAIL_BAD_VALUE, NULL,
			 "the value of %.64s looks like a key, and would be kept in a file", key);
		fail_hint(f, "ccctl add %s asks for keys by themselves, without echo", name);
		return -1;
	}
	known = store_try_value(name, "", key, value, f);
	if (known == TRIAL_FAILED || provider_load_trying(name, "", key, value, &p, f) != 0)
		return -1;
	for (i = 0; known != TRIAL_FAILED && i < p->mode_count; i++) {
		r = store_try_value(name, p->modes[i], key, value, f);
		if (r != TRIAL_NO_PARAMETER)
			known = r;
	}
	if (known == TRIAL_NO_PARAMETER) {
		fail_set(f, FAIL_NO_ENTRY, "it has none", "%s has no parameter %.64s", name, key);
		if (p->params)
			fail_hint(f, "its first one is %s", p->param[0].name);
	}
	provider_free(p);
	snprintf(leaf, sizeof(leaf), "providers/%s.conf", name);
	return known == TRIAL_KNOWN ? user_file_set(leaf, "parameters", key, value, f) : -1;
}
