/*
 * config/provider/resolve_params.c - [parameters], and ${name} in every value.
 */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/resolve.h"

static const char ask[] = "ask:";

bool params_value_ok(const char *value)
{
	size_t i;

	for (i = 0; value[i]; i++)
		if (!(value[i] >= 'a' && value[i] <= 'z') && !(value[i] >= 'A' && value[i] <= 'Z') &&
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

/* "a, b, c" behind the question: a is what Enter gives, and there is nothing else. */
static int set_choices(struct provider_param *param, const char *text, const struct ini_item *it,
		       struct failure *f)
{
	char one[sizeof(param->fallback)];
	const char *end;
	size_t n, used = 0;

	for (;; text = end + 1) {
		text += strspn(text, " \t");
		end = strchrnul(text, ',');
		n = (size_t)(end - text);
		while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
			n--;
		if (n >= sizeof(one) || used + n + 3 > sizeof(param->choices))
			return ini_fail(f, it, NULL, "the choices for %s are too long", it->key);
		memcpy(one, text, n);
		one[n] = '\0';
		if (!params_value_ok(one))
			return ini_fail(f, it, "letters, digits and . _ : / @ - are allowed",
					"the choices for %s have characters that a parameter cannot "
					"have",
					it->key);
		if (used == 0)
			memcpy(param->fallback, one, n + 1);
		used += (size_t)snprintf(param->choices + used, sizeof(param->choices) - used,
					 "%s%s", used ? ", " : "", one);
		if (!*end)
			return 0;
	}
}

static int set_question(struct provider_param *param, const struct ini_item *it, struct failure *f)
{
	const char *text = it->value + strlen(ask), *bar = strchr(text, '|'), *end;
	size_t n;

	text += strspn(text, " \t");
	end = bar ? bar : text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	n = (size_t)(end - text);
	if (n == 0 || n >= sizeof(param->ask))
		return ini_fail(f, it, "write: NAME = ask: the question | a default",
				"the question is empty or longer than %zu characters",
				sizeof(param->ask) - 1);
	memcpy(param->ask, text, n);
	param->ask[n] = '\0';
	param->fallback[0] = param->choices[0] = '\0';
	if (!bar)
		return 0;
	bar++;
	bar += strspn(bar, " \t");
	if (strchr(bar, ','))
		return set_choices(param, bar, it, f);
	if (!params_value_ok(bar) || strlen(bar) >= sizeof(param->fallback))
		return ini_fail(f, it, "letters, digits and . _ : / @ - are allowed",
				"the default for %s has characters that a parameter cannot have",
				it->key);
	memcpy(param->fallback, bar, strlen(bar) + 1);
	return 0;
}

static int set_value(struct provider_param *param, const struct ini_item *it, struct failure *f)
{
	if (it->value[0] && !params_value_ok(it->value))
		return ini_fail(f, it, "letters, digits and . _ : / @ - are allowed",
				"the value of %s has characters that a parameter cannot have", it->key);
	memcpy(param->value, it->value, strlen(it->value) + 1);
	return 0;
}

static int declare(struct provider *p, const struct ini_item *it, struct failure *f)
{
	struct provider_param *param;
	unsigned i;

	for (i = 0; i < p->params && strcmp(p->param[i].name, it->key) != 0; i++)
		;
	if (i == PROVIDER_PARAMS_MAX)
		return ini_fail(f, it, NULL, "more than %d parameters", PROVIDER_PARAMS_MAX);
	param = &p->param[i];
	if (i == p->params) {
		snprintf(param->name, sizeof(param->name), "%s", it->key);
		p->params++;
	}
	/* a question does not take back a value: the overlay of a provider lies
	 * below the sections of its modes */
	if (strncmp(it->value, ask, strlen(ask)) == 0)
		return set_question(param, it, f);
	return set_value(param, it, f);
}

/*
 * A mode that starts from another provider asks that provider's questions;
 * answers are stored in the overlay of the provider that was asked for, below
 * none of the mode's layers.  They count for what is still missing, unless the
 * provider has a parameter of that name for itself.
 */
static int fill(struct provider *p, const struct view *v, struct failure *f)
{
	const struct ini_file *file;
	const struct ini_item *it;
	struct provider_param *param;
	unsigned i, k, asked;

	for (i = 0; v->borrowed && i < v->own.n; i++)
		for (k = 0; k < p->params; k++) {
			param = &p->param[k];
			file = v->own.layer[i].file;
			it = ini_file_get(file, "parameters", param->name);
			if (!it || param->value[0])
				continue;
			for (asked = 0; asked < v->own.n; asked++) {
				const struct ini_item *q = ini_file_get(v->own.layer[asked].file,
									"parameters", param->name);
				if (q && strncmp(q->value, ask, strlen(ask)) == 0)
					break;
			}
			if (asked == v->own.n && set_value(param, it, f) != 0)
				return -1;
		}
	return 0;
}

int resolve_params(struct provider *p, const struct view *v, struct failure *f)
{
	char section[VIEW_SECTION_NAME];
	const struct ini_file *file;
	unsigned i, k;

	for (i = 0; i < v->n; i++) {
		view_section_name(&v->section[i], "parameters", section);
		file = v->section[i].file;
		for (k = 0; k < file->items; k++)
			if (file->item[k].key && strcmp(file->item[k].section, section) == 0 &&
			    declare(p, &file->item[k], f) != 0)
				return -1;
	}
	return fill(p, v, f);
}

/* Where a value comes from: the highest line that is no question, or NULL. */
static const struct ini_item *value_item(const struct view *v, const struct provider_param *param)
{
	char section[VIEW_SECTION_NAME];
	const struct ini_item *it;
	unsigned i;

	for (i = v->n; i-- > 0;) {
		view_section_name(&v->section[i], "parameters", section);
		it = ini_file_get(v->section[i].file, section, param->name);
		if (it && strcmp(it->value, param->value) == 0)
			return it;
	}
	return NULL;
}

int resolve_check_choices(const struct provider *p, const struct view *v, struct failure *f)
{
	const struct provider_param *param;
	const struct ini_item *at;
	char hint[sizeof(param->choices) + 16];
	unsigned i;

	for (i = 0; i < p->params; i++) {
		param = &p->param[i];
		if (!param->value[0] || params_choice_ok(param, param->value))
			continue;
		snprintf(hint, sizeof(hint), "it is one of %s", param->choices);
		at = value_item(v, param);
		if (at)
			return ini_fail(f, at, hint, "%s cannot be %.64s", param->name, param->value);
		return fail_set(f, FAIL_BAD_VALUE, hint, "%s cannot be %.64s", param->name,
				param->value);
	}
	return 0;
}

/* One ${name} at s; *n is its length.  NULL with f set. */
static const struct provider_param *reference(const struct provider *p, const char *s, size_t *n,
					      const struct ini_item *it, struct failure *f)
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
		ini_fail(f, it, "declare it in [parameters]", "%s: there is no parameter %.*s", it->key,
			 (int)(*n - 3 > 64 ? 64 : *n - 3), s + 2);
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
			param = reference(p, s, &n, it, f);
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
	char hint[160];

	if (!strpbrk(param->value, "/:@"))
		return 0;
	snprintf(hint, sizeof(hint), "ccctl add PROVIDER --set %s=VALUE, without / : and @",
		 param->name);
	return ini_fail(f, at, hint, "%s: the parameter %s would leave its place in the host name",
			at->key, param->name);
}
