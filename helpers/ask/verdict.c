/*
 * helpers/ask/verdict.c - what an answer says about provider, key and model.
 *
 * Nobody agrees on statuses: the same lack of money is a 400, 402, 403 or 429, and an unknown
 * model a 400, 404 or 503.  So the words count where the status says nothing for certain.
 */
#include "helpers/ask/verdict.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

#define SAID_MAX 4096 /* bytes of an answer that are searched for words */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* An answer, and its beginning in lower case. */
struct said {
	const struct answer *a;
	json_t *json; /* an object, or NULL */
	char text[SAID_MAX + 1];
};

static bool said_any(const struct said *s, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strstr(s->text, words[i]))
			return true;
	return false;
}

static bool said_html(const struct said *s)
{
	const char *p = s->text;

	while (*p && isspace((unsigned char)*p))
		p++;
	return !s->json && (*p == '<' || strncmp(s->a->type, "text/html", 9) == 0);
}

static bool said_no_credit(const struct said *s)
{
	static const char *const words[] = { "credit",
					     "insufficient",
					     "balance",
					     "billing",
					     "recharge",
					     "arrear",
					     "top up",
					     "exceeded_current_quota",
					     "current quota",
					     "payment",
					     "\xe4\xbd\x99\xe9\xa2\x9d",
					     "\xe6\xac\xa0\xe8\xb4\xb9" };

	return said_any(s, words, COUNT(words));
}

static bool said_unknown_model(const struct said *s, const char *model)
{
	static const char *const words[] = { "not found",
					     "not_found",
					     "not exist",
					     "not_exist",
					     "nonexist",
					     "unknown",
					     "invalid model",
					     "not support",
					     "unsupported",
					     "no such",
					     "not have access",
					     "not available",
					     "not a valid",
					     "no available channel",
					     "no endpoints found",
					     "model_not_found",
					     "\xe4\xb8\x8d\xe5\xad\x98\xe5\x9c\xa8" };
	static const char *const paths[] = { "invalid url", "no route", "cannot post",
					     "no static resource" };
	char lower[256];
	size_t i;

	if (!s->json || said_any(s, paths, COUNT(paths)))
		return false;
	for (i = 0; model[i] && i + 1 < sizeof(lower); i++)
		lower[i] = (char)tolower((unsigned char)model[i]);
	lower[i] = '\0';
	if (!strstr(s->text, "model") && !(lower[0] && strstr(s->text, lower)))
		return false;
	return s->a->status == 404 || said_any(s, words, COUNT(words));
}

/* Of plans that are for the client alone. */
static bool said_for_clients(const struct said *s)
{
	static const char *const words[] = { "coding agent", "claude code", "claude-cli" };

	return said_any(s, words, COUNT(words));
}

static bool said_too_few_tokens(const struct said *s)
{
	static const char *const least[] = { "minimum", "at least",  "greater",
					     ">=",	"too small", "below" };

	return s->a->status == 400 && strstr(s->text, "tokens") && said_any(s, least, COUNT(least));
}

/* ---- what it says to a person ---- */

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void verdict_set_words(struct verdict *v, const struct said *s)
{
	static const char ours[] = "ccrun: ";
	const json_t *error = json_object_get(s->json, "error");
	const char *text = text_of(error, "message");
	const char *keys[] = { "message", "msg", "detail", "error_description" };
	size_t i;

	if (!text)
		text = json_string_value(error);
	for (i = 0; !text && i < COUNT(keys); i++)
		text = text_of(s->json, keys[i]);
	if (!text)
		return;
	if (strncmp(text, ours, sizeof(ours) - 1) == 0)
		text += sizeof(ours) - 1;
	snprintf(v->words, sizeof(v->words), "%s", text);
	fail_sanitize(v->words);
}

/* ---- a message ---- */

/* {"type": "message", "content": [...], "usage": {...}} */
static bool verdict_take_message(struct verdict *v, const struct said *s)
{
	const json_t *usage = json_object_get(s->json, "usage");
	const json_t *in = json_object_get(usage, "input_tokens");
	const json_t *out = json_object_get(usage, "output_tokens");
	const char *type = text_of(s->json, "type"), *model = text_of(s->json, "model");

	if (!json_is_array(json_object_get(s->json, "content")) || !type ||
	    strcmp(type, "message") != 0)
		return false;
	snprintf(v->model, sizeof(v->model), "%s", model ? model : "");
	fail_sanitize(v->model);
	v->counted = json_is_integer(in) && json_is_integer(out) && json_integer_value(in) >= 0 &&
		     json_integer_value(out) >= 0;
	if (v->counted) {
		v->input = (uint64_t)json_integer_value(in);
		v->output = (uint64_t)json_integer_value(out);
	}
	return true;
}

/* ---- which it is ---- */

/* Some answer with 200 and an error of their own. */
static enum trial outcome_of_success(const struct said *s, const char *model)
{
	static const char *const keys[] = { "unauthorized", "authentication", "api key", "apikey",
					    "invalid token" };

	if (!s->json || !(json_object_get(s->json, "error") || json_object_get(s->json, "code")))
		return TRIAL_WRONG_PATH;
	if (said_no_credit(s))
		return TRIAL_NO_CREDIT;
	if (said_unknown_model(s, model))
		return TRIAL_UNKNOWN_MODEL;
	return said_any(s, keys, COUNT(keys)) ? TRIAL_WRONG_KEY : TRIAL_WRONG_PATH;
}

static enum trial outcome_of_forbidden(const struct said *s, const char *model)
{
	if (said_html(s))
		return TRIAL_BAD_REQUEST;
	if (said_for_clients(s))
		return TRIAL_LAUNCH_ONLY;
	if (said_no_credit(s))
		return TRIAL_NO_CREDIT;
	return said_unknown_model(s, model) ? TRIAL_UNKNOWN_MODEL : TRIAL_WRONG_KEY;
}

static enum trial outcome_of_status(const struct said *s, const char *model)
{
	long status = s->a->status;

	switch (status) {
	case 401:
		return TRIAL_WRONG_KEY;
	case 402:
		return TRIAL_NO_CREDIT;
	case 403:
		return outcome_of_forbidden(s, model);
	case 404:
	case 405:
		return said_unknown_model(s, model) ? TRIAL_UNKNOWN_MODEL : TRIAL_WRONG_PATH;
	case 429:
		return said_no_credit(s) ? TRIAL_NO_CREDIT : TRIAL_RATE_LIMITED;
	default:
		break;
	}
	if (status / 100 == 2)
		return outcome_of_success(s, model);
	if (status / 100 == 3)
		return TRIAL_WRONG_PATH;
	if (said_unknown_model(s, model))
		return TRIAL_UNKNOWN_MODEL;
	if (status / 100 == 5 || status == 408)
		return TRIAL_PROVIDER_ERROR;
	if (said_html(s))
		return TRIAL_WRONG_PATH;
	return said_no_credit(s) ? TRIAL_NO_CREDIT : TRIAL_BAD_REQUEST;
}

void verdict_of_answer(const struct answer *a, const char *model, struct verdict *out)
{
	static struct said s;
	size_t i;

	memset(out, 0, sizeof(*out));
	memset(&s, 0, sizeof(s));
	s.a = a;
	out->outcome = a->cause;
	if (answer_is_none(a)) {
		snprintf(out->words, sizeof(out->words), "%s", a->words);
		return;
	}
	for (i = 0; i < a->n && i < SAID_MAX; i++)
		s.text[i] = a->body[i] ? (char)tolower((unsigned char)a->body[i]) : ' ';
	s.json = json_loadb(a->body, a->n, 0, NULL);
	if (!json_is_object(s.json)) {
		json_decref(s.json);
		s.json = NULL;
	}
	verdict_set_words(out, &s);
	if (a->cause != TRIAL_WORKS)
		goto done;
	if (a->status == 200 && verdict_take_message(out, &s)) {
		out->outcome = a->first_ms >= SLOW_MS ? TRIAL_SLOW : TRIAL_WORKS;
	} else {
		out->outcome = outcome_of_status(&s, model);
		out->wants_more = out->outcome == TRIAL_BAD_REQUEST && said_too_few_tokens(&s);
	}
done:
	json_decref(s.json);
}
