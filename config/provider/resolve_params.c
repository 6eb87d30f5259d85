/*
 * config/provider/resolve_params.c - [parameters]: questions, defaults, choices and values.
 */
#include "config/provider/resolve_params.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "config/ini/ini_file.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "config/provider/view.h"

/* A value that begins with this is a question. */
static const char ask_word[] = "ask:";

/* "a, b, c" behind the question: a is the default, and no other value is allowed. */
static int param_set_choices(struct provider_param *param, const char *text,
			     const struct ini_item *it, struct failure *f)
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
			return ini_fail(
				f, it, PARAMS_HINT_CHARACTERS,
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

static int param_set_question(struct provider_param *param, const struct ini_item *it,
			      struct failure *f)
{
	const char *text = it->value + strlen(ask_word), *bar = strchr(text, '|'), *end;
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
		return param_set_choices(param, bar, it, f);
	if (!params_value_ok(bar) || strlen(bar) >= sizeof(param->fallback))
		return ini_fail(f, it, PARAMS_HINT_CHARACTERS,
				"the default for %s has characters that a parameter cannot have",
				it->key);
	memcpy(param->fallback, bar, strlen(bar) + 1);
	return 0;
}

static int param_set_value(struct provider_param *param, const struct ini_item *it,
			   struct failure *f)
{
	if (it->value[0] && !params_value_ok(it->value))
		return ini_fail(f, it, PARAMS_HINT_CHARACTERS,
				"the value of %s has characters that a parameter cannot have",
				it->key);
	memcpy(param->value, it->value, strlen(it->value) + 1);
	return 0;
}

/* users: the line is in a file of the user's own. */
static int params_declare(struct provider *p, const struct ini_item *it, bool users,
			  struct failure *f)
{
	struct provider_param *param;
	const bool asks = strncmp(it->value, ask_word, strlen(ask_word)) == 0;
	unsigned i;

	for (i = 0; i < p->params && strcmp(p->param[i].name, it->key) != 0; i++)
		;
	if (i == PROVIDER_PARAMS_MAX)
		return ini_fail(f, it, NULL, "more than %d parameters", PROVIDER_PARAMS_MAX);
	param = &p->param[i];
	/* One without a question is asked for by its name. */
	if (asks || i == p->params)
		snprintf(param->asked_by, sizeof(param->asked_by), "%s", users ? it->path : "");
	if (i == p->params) {
		snprintf(param->name, sizeof(param->name), "%s", it->key);
		p->params++;
	}
	/* A question does not take back a value: the overlay, where answers are stored,
	 * lies below the sections of the provider's modes. */
	if (asks)
		return param_set_question(param, it, f);
	return param_set_value(param, it, f);
}

/*
 * A mode with use = has the parameters of the other provider.  The answers for them
 * are stored in the overlay of the own provider, which is no layer of the mode.
 * Take the missing values from there, unless the own provider asks for a
 * parameter of that name itself.
 */
static int params_borrow_answers(struct provider *p, const struct view *v, struct failure *f)
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
				if (q && strncmp(q->value, ask_word, strlen(ask_word)) == 0)
					break;
			}
			if (asked == v->own.n && param_set_value(param, it, f) != 0)
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
			    params_declare(p, &file->item[k], view_is_users(v, file), f) != 0)
				return -1;
	}
	return params_borrow_answers(p, v, f);
}

/* The highest line that has the value of the parameter, or NULL. */
static const struct ini_item *params_find_item(const struct view *v,
					       const struct provider_param *param)
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
		at = params_find_item(v, param);
		if (at)
			ini_fail(f, at, NULL, "%s cannot be %.64s", param->name, param->value);
		else
			fail_set(f, FAIL_BAD_VALUE, NULL, "%s cannot be %.64s", param->name,
				 param->value);
		snprintf(hint, sizeof(hint), "it is one of %s", param->choices);
		/* Choices have the characters of a value (params_value_ok) and ", ". */
		fail_hint_text(f, hint);
		return -1;
	}
	return 0;
}
