/*
 * client/common/parameters.c - a provider's parameters: given, asked for, or missing.
 */
#include "client/common/parameters.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/text_quote.h"
#include "client/common/entries.h"
#include "client/common/models.h"
#include "client/common/output.h"
#include "client/common/secret.h"
#include "client/common/terminal.h"
#include "config/ini/ini_value.h"
#include "config/provider/env_sealed.h"
#include "config/provider/overlay.h"
#include "config/provider/params.h"

#define LIST_SHOWN 40 /* models on a terminal */

int given_params_add(struct given_params *s, char *word, struct failure *f)
{
	if (!strchr(word, '=') || word[0] == '=')
		return fail_set(f, FAIL_USAGE, "for example --set region=eu-central-1",
				"--set wants KEY=VALUE");
	if (s->n == PROVIDER_PARAMS_MAX)
		return fail_set(f, FAIL_USAGE, NULL, "more than %d --set", PROVIDER_PARAMS_MAX);
	s->word[s->n++] = word;
	return 0;
}

void given_params_note(struct given_params *s, const char *key, const char *value)
{
	const char *hint;
	struct ini_span v;
	size_t n = strlen(value);

	if (s->values == PROVIDER_PARAMS_MAX)
		return;
	/* As it is read back from the file that it is written to. */
	if (ini_value_find(value, n, &v, &hint) != NULL)
		v = (struct ini_span){ .end = n };
	snprintf(s->answer[s->values], sizeof(s->answer[0]), "%.*s", (int)(v.end - v.start),
		 value + v.start);
	snprintf(s->name[s->values], sizeof(s->name[0]), "%s", key);
	s->value[s->values] = (struct provider_value){ s->name[s->values], s->answer[s->values] };
	s->values++;
}

static const struct provider_param *param_find(const struct provider *p, const char *key, size_t n)
{
	unsigned i;

	for (i = 0; i < p->params; i++)
		if (strlen(p->param[i].name) == n && memcmp(p->param[i].name, key, n) == 0)
			return &p->param[i];
	return NULL;
}

/* The one that a server's list answers. */
static bool param_is_model(const struct provider_param *param)
{
	return strcmp(param->name, "model") == 0 && !param->choices[0];
}

static int param_unknown(const struct provider *p, const char *key, size_t n, struct failure *f)
{
	unsigned i;

	fail_set(f, FAIL_USAGE, NULL, "provider %s has no parameter '%.*s'", p->name,
		 (int)(n > NAME_MAX_LEN ? NAME_MAX_LEN : n), key);
	if (p->params == 0)
		fail_hint(f, "it has none");
	else
		fail_hint(f, "it has");
	for (i = 0; i < p->params; i++)
		fail_hint_add(f, i ? ", %s" : " %s", p->param[i].name);
	return -1;
}

/* Check all before storing the first. */
static int params_store_given(const struct provider *p, struct given_params *s, struct failure *f)
{
	const struct provider_param *param;
	unsigned i;
	size_t n;

	for (i = 0; i < s->n; i++) {
		n = strcspn(s->word[i], "=");
		if (!param_find(p, s->word[i], n))
			return param_unknown(p, s->word[i], n, f);
	}
	for (i = 0; i < s->n; i++) {
		n = strcspn(s->word[i], "=");
		param = param_find(p, s->word[i], n);
		if (provider_set_param(p->name, param->name, s->word[i] + n + 1, f) != 0)
			return -1;
		given_params_note(s, param->name, s->word[i] + n + 1);
	}
	return 0;
}

/* ---- a list to choose from ---- */

/* A server's names that a parameter can have; none for any other parameter. */
static void param_list_models(const struct provider *p, const struct provider_param *param,
			      struct model_list *l)
{
	char word[PROVIDER_WORD];
	unsigned i, n = 0;

	memset(l, 0, sizeof(*l));
	provider_word(p, word);
	if (!param_is_model(param) || model_list_fetch(word, true, l, NULL) != 0)
		return;
	for (i = 0; i < l->n; i++)
		if (params_value_ok(l->name[i]))
			l->name[n++] = l->name[i];
	l->n = n;
	for (i = 0; i < n && i < LIST_SHOWN; i++)
		terminal_say("%4u  %s", i + 1, l->name[i]);
	if (n > LIST_SHOWN)
		terminal_say("      and %u more: ccctl models %s", n - LIST_SHOWN, word);
}

/* What the number of a line stands for, where no model is called so; else the answer itself. */
static void param_choose(const struct model_list *l, char *answer, size_t size)
{
	size_t digits = strspn(answer, "0123456789");
	unsigned long chosen;
	unsigned i;

	if (digits == 0 || digits > 4 || answer[digits])
		return;
	for (i = 0; i < l->n; i++)
		if (strcmp(l->name[i], answer) == 0)
			return;
	chosen = strtoul(answer, NULL, 10);
	if (chosen >= 1 && chosen <= l->n)
		snprintf(answer, size, "%s", l->name[chosen - 1]);
}

/* ---- the question ---- */

/* The words of a file that does not ship, with nothing of it in the line that is answered. */
static void param_say_asked(const struct provider_param *param, const char *words)
{
	char clean[PARAMETER_QUESTION], quoted[PARAMETER_QUESTION + 2];

	clean_foreign(words, clean, sizeof(clean));
	text_quote(clean, quoted, sizeof(quoted));
	terminal_say("%s asks for its parameter '%s', in these words: %s", param->asked_by,
		     param->name, quoted);
	terminal_say("An answer is shown here, and written to a file that every program of yours "
		     "reads: never give a passphrase or a key.");
}

void parameter_question(const struct provider *p, const struct provider_param *param, bool titled,
			const char *more, char *out)
{
	char words[PROVIDER_VALUE_MAX + 560];

	snprintf(words, sizeof(words), "%s%s", param->ask[0] ? param->ask : param->name, more);
	if (!param->asked_by[0]) {
		snprintf(out, PARAMETER_QUESTION, "%s%s%s: ", titled ? provider_called(p) : "",
			 titled ? ", " : "", words);
		return;
	}
	param_say_asked(param, words);
	snprintf(out, PARAMETER_QUESTION,
		 "%s, its parameter '%s', no passphrase and no key: ", p->name, param->name);
}

/* fallback: what Enter stands for, or "". */
static void param_prompt(const struct provider *p, const struct provider_param *param,
			 const struct model_list *l, const char *fallback, char *prompt)
{
	char more[PROVIDER_VALUE_MAX + sizeof(param->choices) + 16];
	int n = 0;

	if (param->choices[0])
		n = snprintf(more, sizeof(more), " (%s)", param->choices);
	else if (l->n > 1)
		n = snprintf(more, sizeof(more), " (a number, or its name)");
	more[n] = '\0';
	if (fallback[0])
		snprintf(more + n, sizeof(more) - (size_t)n, " [%s]", fallback);
	parameter_question(p, param, false, more, prompt);
}

static int param_ask_listed(const struct provider *p, const struct provider_param *param,
			    const struct model_list *l, struct given_params *s, struct failure *f)
{
	const char *fallback = l->n == 1 ? l->name[0] : param->fallback;
	char prompt[PARAMETER_QUESTION], answer[PROVIDER_VALUE_MAX + 2];
	bool typed;
	int i;

	param_prompt(p, param, l, fallback, prompt);
	for (i = 0; i < TRIES; i++) {
		if (terminal_line(prompt, answer, sizeof(answer), f) != 0)
			return -1;
		typed = answer[0] != '\0';
		if (!typed)
			snprintf(answer, sizeof(answer), "%s", fallback);
		param_choose(l, answer, sizeof(answer));
		if (!answer[0]) {
			provider_fail_missing(p, f);
			continue;
		}
		if (provider_set_param(p->name, param->name, answer, f) == 0) {
			/* A default may be a file's. */
			if (typed)
				given_params_note(s, param->name, answer);
			return 0;
		}
		terminal_say("%s%s%s.", f->what, f->hint[0] ? ": " : "", f->hint);
	}
	return -1;
}

static int param_ask(const struct provider *p, const struct provider_param *param,
		     struct given_params *s, struct failure *f)
{
	struct model_list list;
	int r;

	param_list_models(p, param, &list);
	r = param_ask_listed(p, param, &list, s, f);
	model_list_free(&list);
	return r;
}

/* Without a terminal the default is taken, as if Enter was pressed. */
static int param_settle(const struct provider *p, const struct provider_param *param,
			struct given_params *s, struct failure *f)
{
	if (terminal_asks())
		return param_ask(p, param, s, f);
	if (!param->fallback[0])
		return provider_fail_missing(p, f);
	say("%s: %s is %s (the default)", p->name, param->name, param->fallback);
	return provider_set_param(p->name, param->name, param->fallback, f);
}

static int params_reload(struct provider **p, struct failure *f)
{
	struct provider *fresh;

	if (provider_load((*p)->name, (*p)->mode, &fresh, f) != 0)
		return -1;
	provider_free(*p);
	*p = fresh;
	return 0;
}

/* Can its server be asked for its models only with the key, which is not known yet?  No model
 * is part of what is sealed with a key, unless a file puts it into the address. */
static bool param_waits_for_key(const struct provider *p, const struct provider_param *param)
{
	char env[ENV_SEALED_MAX + 1];

	return terminal_asks() && p->secrets > 0 && param_is_model(param) &&
	       !strstr(p->origin, "${") && provider_env_sealed(p, env, NULL) >= 0 &&
	       !strstr(env, "${");
}

int parameters_settle(struct provider **p, struct given_params *s, bool *later, struct failure *f)
{
	unsigned i;
	bool lost = false;

	if (s->n > 0 && (params_store_given(*p, s, f) != 0 || params_reload(p, f) != 0))
		return -1;
	/* If a parameter can be neither asked for nor defaulted, store none. */
	for (i = 0; i < (*p)->params; i++)
		lost = lost || (!(*p)->param[i].value[0] && !(*p)->param[i].fallback[0]);
	if (lost && !terminal_asks())
		return provider_fail_missing(*p, f);
	/* Loaded again after each: what is asked last, a server for its models, needs the rest. */
	for (i = 0; i < (*p)->params; i++) {
		if ((*p)->param[i].value[0] || (later && param_is_model(&(*p)->param[i])))
			continue;
		if (param_settle(*p, &(*p)->param[i], s, f) != 0 || params_reload(p, f) != 0)
			return -1;
	}
	for (i = 0; later && i < (*p)->params; i++) {
		if ((*p)->param[i].value[0])
			continue;
		*later = param_waits_for_key(*p, &(*p)->param[i]);
		if (*later)
			return 0;
		if (param_settle(*p, &(*p)->param[i], s, f) != 0 || params_reload(p, f) != 0)
			return -1;
	}
	return provider_missing(*p) ? provider_fail_missing(*p, f) : 0;
}
