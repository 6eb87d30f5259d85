/*
 * shim/provider_ready.c - the named provider: its mode, and what answers its parameters.
 */
#include "shim/provider_ready.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "config/provider/params.h"
#include "config/provider/provider.h"
#include "shim/arguments.h"
#include "shim/ccctl.h"
#include "start/terminal.h"

/* Load the provider with the mode that the words behind it name. */
static int provider_load_named(struct arguments *a, struct provider **p, struct failure *f)
{
	char before[NAME_MAX_LEN + 1];

	memcpy(before, a->mode, sizeof(before));
	if (provider_load(a->provider, a->mode, p, f) != 0)
		return -1;
	if (!a->verbatim && arguments_take_modes(a, (*p)->modes, (*p)->mode_count, f) != 0)
		return -1;
	if (strcmp(before, a->mode) == 0)
		return 0;
	provider_free(*p);
	*p = NULL;
	return provider_load(a->provider, a->mode, p, f);
}

/* ---- claude's own words for a model ---- */

/* Names that the client translates by the very variables that the parameter is for. */
static bool model_is_alias(const char *model)
{
	static const char *const aliases[] = { "best", "default", "fable",    "haiku",
					       "opus", "sonnet",  "opusplan", "inherit" };
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(model, aliases[i]) == 0)
			return true;
	return false;
}

/* The model that text names, without the client's mark for a large window.  Returns false for
 * one that no parameter can be. */
static bool model_take(const char *text, char out[PROVIDER_VALUE_MAX + 1])
{
	static const char window[] = "[1m]";
	size_t n = text ? strlen(text) : 0;

	if (n > sizeof(window) && strcmp(text + n - strlen(window), window) == 0)
		n -= strlen(window);
	if (n == 0 || n > PROVIDER_VALUE_MAX)
		return false;
	memcpy(out, text, n);
	out[n] = '\0';
	return params_value_ok(out) && !model_is_alias(out);
}

/* What the arguments for claude, or its variable, say.  As in claude, the last one counts. */
static bool model_of_client(char **argv, char out[PROVIDER_VALUE_MAX + 1])
{
	static const char option[] = "--model";
	const size_t n = sizeof(option) - 1;
	const char *said = NULL;

	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (strncmp(*argv, option, n) != 0)
			continue;
		if ((*argv)[n] == '=')
			said = *argv + n + 1;
		else if (!(*argv)[n] && argv[1])
			said = *++argv;
	}
	return model_take(said, out) || model_take(getenv("ANTHROPIC_MODEL"), out);
}

/* ---- parameters ---- */

/* Was another parameter than `model` answered, so by its default? */
static bool provider_took_default(const struct provider *p, const char *model)
{
	unsigned i;

	for (i = 0; i < p->params; i++)
		if (p->param[i].answered && (!model || strcmp(p->param[i].name, "model") != 0))
			return true;
	return false;
}

/* Name the defaults that were taken: they may not be what the person's server has. */
static void provider_note_defaults(struct provider *p, const char *model)
{
	size_t n = strlen(p->note);
	unsigned i;

	for (i = 0; i < p->params && n < sizeof(p->note); i++)
		if (p->param[i].answered && (!model || strcmp(p->param[i].name, "model") != 0))
			n += (size_t)snprintf(p->note + n, sizeof(p->note) - n, "%s%s is %s",
					      n ? ", " : "", p->param[i].name, p->param[i].value);
	if (n < sizeof(p->note))
		snprintf(p->note + n, sizeof(p->note) - n, " (ccctl add %s%s%s sets it)", p->name,
			 p->mode[0] ? ":" : "", p->mode);
}

/*
 * A default stands for what a person would say only where a wrong one does no harm: nothing goes
 * out of this machine.  Whoever has yet to give a key is asked for the address as well.
 */
static bool provider_may_default(const struct provider *p, bool asks)
{
	return p->local && (p->secrets == 0 || !asks);
}

/* To list the models no parameter but those of the address counts, and where there is a key the
 * address is what was sealed with it. */
static int provider_load_listing(const struct arguments *a, struct provider **p, struct failure *f)
{
	const struct provider_answers answers = { .model = "any", .defaults = true };

	provider_free(*p);
	*p = NULL;
	return provider_load_answered(a->provider, a->mode, &answers, p, f);
}

/* Load the provider with the answers.  1: nothing is missing, *p is replaced; 0; or -1. */
static int provider_answer(struct provider **p, const char *model, bool asks, struct failure *f)
{
	struct provider_answers answers = { .model = model, .defaults = true };
	struct provider *got = NULL;

	if (provider_load_answered((*p)->name, (*p)->mode, &answers, &got, f) != 0)
		return -1;
	if (!provider_missing(got) && provider_took_default(got, model)) {
		if (provider_may_default(got, asks)) {
			provider_note_defaults(got, model);
		} else {
			provider_free(got);
			answers.defaults = false;
			if (provider_load_answered((*p)->name, (*p)->mode, &answers, &got, f) != 0)
				return -1;
		}
	}
	if (provider_missing(got)) {
		provider_free(got);
		return 0;
	}
	provider_free(*p);
	*p = got;
	return 1;
}

static int provider_fail_missing(const struct provider *p, struct failure *f)
{
	const struct provider_param *missing = provider_missing(p);
	const char *colon = p->mode[0] ? ":" : "";
	char purpose[PARAMS_PURPOSE];

	params_purpose(missing, purpose, sizeof(purpose));
	fail_set(f, FAIL_CONFIG, NULL, "%s needs to know its %s (%s)", p->name, missing->name,
		 purpose);
	if (strcmp(missing->name, "model") == 0 && !missing->fallback[0])
		fail_hint(f, "ccrun %s%s%s --model ..., or ccctl add %s%s%s --set model=...",
			  p->name, colon, p->mode, p->name, colon, p->mode);
	else
		fail_hint(f, "ccctl add %s%s%s --set %s=%s", p->name, colon, p->mode, missing->name,
			  missing->fallback[0] ? missing->fallback : "...");
	return -1;
}

/* Have the user asked for what nothing answers, where there is a terminal. */
static int provider_settle(const struct arguments *a, struct provider **p, struct failure *f)
{
	char text[PROVIDER_VALUE_MAX + 1];
	const char *model = model_of_client(a->rest, text) ? text : NULL;
	bool asks = !a->dry_run && terminal_available();
	int r;

	if (!provider_missing(*p))
		return 0;
	if (a->ask && strcmp(a->ask, "models") == 0 && provider_load_listing(a, p, f) != 0)
		return -1;
	if (!provider_missing(*p))
		return 0;
	r = provider_answer(p, model, asks, f);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!asks)
		return provider_fail_missing(*p, f);
	if (ccctl_add(*p, model, f) != 0)
		return -1;
	provider_free(*p);
	*p = NULL;
	if (provider_load(a->provider, a->mode, p, f) != 0)
		return -1;
	return provider_missing(*p)
		       ? fail_set(f, FAIL_CONFIG, NULL, "still no %s", provider_missing(*p)->name)
		       : 0;
}

int provider_ready(struct arguments *a, struct provider **out, struct failure *f)
{
	return provider_load_named(a, out, f) != 0 ? -1 : provider_settle(a, out, f);
}
