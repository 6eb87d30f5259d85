/*
 * config/provider/params.c - the parameters of a provider, and ${name} in every value.
 */
#include "config/provider/params.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/text_quote.h"
#include "config/ini/ini_file.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"

bool params_value_ok(const char *value)
{
	size_t i;

	for (i = 0; value[i]; i++)
		if (!(value[i] >= 'a' && value[i] <= 'z') &&
		    !(value[i] >= 'A' && value[i] <= 'Z') &&
		    !(value[i] >= '0' && value[i] <= '9') && !strchr("._:/@-", value[i]))
			return false;
	return i > 0 && i <= PROVIDER_VALUE_MAX;
}

const struct provider_param *params_find(const struct provider *p, const char *name, size_t n)
{
	unsigned i;

	for (i = 0; i < p->params; i++)
		if (strlen(p->param[i].name) == n && memcmp(p->param[i].name, name, n) == 0)
			return &p->param[i];
	return NULL;
}

bool params_choice_ok(const struct provider_param *param, const char *value)
{
	const char *s = param->choices;
	size_t n = strlen(value), len;

	for (; *s; s += len) {
		s += strspn(s, ", ");
		len = strcspn(s, ",");
		if (len == n && memcmp(s, value, n) == 0)
			return true;
	}
	return !param->choices[0];
}

void params_purpose(const struct provider_param *param, char *out, size_t size)
{
	char words[sizeof(param->ask) + 2];

	text_quote(param->ask, words, sizeof(words));
	if (!param->asked_by[0])
		snprintf(out, size, "%s", param->ask);
	else if (param->ask[0])
		snprintf(out, size, "%s asks %s", param->asked_by, words);
	else
		snprintf(out, size, "%s has it", param->asked_by);
}

/* The parameter of the ${name} at s; *n is the length of that.  NULL with f set. */
static const struct provider_param *params_resolve_reference(const struct provider *p,
							     const char *s, size_t *n,
							     const struct ini_item *it,
							     struct failure *f)
{
	const char *close = strchr(s, '}');
	const struct provider_param *param;

	if (!close) {
		ini_fail(f, it, NULL, "%s: ${ without }", it->key);
		return NULL;
	}
	*n = (size_t)(close - s) + 1;
	param = params_find(p, s + 2, *n - 3);
	if (!param)
		ini_fail(f, it, "declare it in [parameters]", "%s: there is no parameter %.*s",
			 it->key, (int)(*n - 3 > 64 ? 64 : *n - 3), s + 2);
	return param;
}

int params_expand(const struct provider *p, const struct ini_item *it, char *out, size_t size,
		  struct failure *f)
{
	const struct provider_param *param;
	const char *s, *piece;
	size_t n, len, used = 0;

	for (s = it->value; *s; s += n) {
		piece = s;
		n = len = 1;
		if (s[0] == '$' && s[1] == '{') {
			param = params_resolve_reference(p, s, &n, it, f);
			if (!param)
				return -1;
			piece = param->value[0] ? param->value : s;
			len = param->value[0] ? strlen(param->value) : n;
		}
		if (used + len >= size)
			return ini_fail(f, it, NULL, "%s is longer than %zu characters", it->key,
					size - 1);
		memcpy(out + used, piece, len);
		used += len;
	}
	out[used] = '\0';
	return 0;
}

int params_text(const struct provider *p, const struct view *v, const char *key, char *out,
		size_t size, struct failure *f)
{
	const struct ini_item *it = view_get(v, "provider", key, NULL);

	out[0] = '\0';
	return it ? params_expand(p, it, out, size, f) : 0;
}

int params_check_host(const struct provider_param *param, const struct ini_item *at,
		      struct failure *f)
{
	if (!strpbrk(param->value, "/:@"))
		return 0;
	ini_fail(f, at, NULL, "%s: the parameter %s would leave its place in the host name",
		 at->key, param->name);
	fail_hint(f, "ccctl add PROVIDER --set %s=VALUE, without / : and @", param->name);
	return -1;
}
