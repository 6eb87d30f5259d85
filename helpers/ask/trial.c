/*
 * helpers/ask/trial.c - one small message to a model, and a report of what came of it.
 */
#include "helpers/ask/trial.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/io.h"
#include "base/number.h"
#include "helpers/ask/list.h"
#include "helpers/ask/models_answer.h"
#include "helpers/ask/question.h"
#include "helpers/ask/verdict.h"

#define WAIT_SECONDS 60l
#define WAIT_MAX 3600ul
#define MESSAGE_PATH "/v1/messages"
#define NAME_SIZE 1025 /* of a model: as a provider's file has it */

/* What is asked, of whom. */
struct trial_of {
	const char *base, *socket;
	char model[NAME_SIZE];
	long seconds;
};

/* ---- which model ---- */

/* The client's words for its tiers, and what a provider's file puts there. */
static const char *model_of_alias(const char *word)
{
	static const struct {
		const char *alias, *variable;
	} tiers[] = {
		{ "opus", "ANTHROPIC_DEFAULT_OPUS_MODEL" },
		{ "sonnet", "ANTHROPIC_DEFAULT_SONNET_MODEL" },
		{ "haiku", "ANTHROPIC_DEFAULT_HAIKU_MODEL" },
	};
	const char *model;
	size_t i;

	for (i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		model = getenv(tiers[i].variable);
		if (strcmp(word, tiers[i].alias) == 0 && model && model[0])
			return model;
	}
	return word;
}

/* Without the client's mark for a large window. */
static void model_set(struct trial_of *t, const char *text)
{
	static const char window[] = "[1m]";
	size_t n = strlen(text), k = sizeof(window) - 1;

	if (n > k && strcmp(text + n - k, window) == 0)
		n -= k;
	snprintf(t->model, sizeof(t->model), "%.*s", (int)(n < NAME_SIZE ? n : 0), text);
}

/* The model that a launch would begin with. */
static void model_of_environment(struct trial_of *t)
{
	static const char *const names[] = { "ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL",
					     "ANTHROPIC_DEFAULT_OPUS_MODEL",
					     "ANTHROPIC_DEFAULT_HAIKU_MODEL" };
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && !t->model[0]; i++) {
		value = getenv(names[i]);
		if (value && value[0])
			model_set(t, model_of_alias(value));
	}
}

/* Of a list: a small one, else the first. */
static void model_choose(const char *name, void *arg)
{
	struct trial_of *t = arg;

	if (!t->model[0] || (strstr(name, "haiku") && !strstr(t->model, "haiku")))
		model_set(t, name);
}

static int list_ask(const struct trial_of *t, struct answer *out, struct failure *f)
{
	const struct question q = {
		.base = t->base, .path = LIST_PATH, .socket = t->socket, .seconds = LIST_SECONDS
	};

	return question_ask(&q, out, f);
}

/*
 * Nobody has named one: the server's list has some.  0 with t->model, which is "" where there
 * is no list; 1: *v says why nothing was to be had; or -1.
 */
static int model_of_list(struct trial_of *t, struct verdict *v, struct failure *f)
{
	struct answer got;
	int r = 0;

	if (list_ask(t, &got, f) != 0)
		return -1;
	if (got.status == 200 && got.cause == TRIAL_WORKS)
		models_answer_each(got.body, got.n, model_choose, t);
	else if (got.cause != TRIAL_WORKS || got.status == 401) {
		verdict_of_answer(&got, "", v);
		r = 1;
	}
	free(got.body);
	return r;
}

/* ---- the message ---- */

/* {"model": ..., "max_tokens": ..., "messages": [...]}: the caller's, to free; or NULL. */
static char *message_make(const struct trial_of *t, int tokens)
{
	json_t *o = json_pack("{s:s, s:i, s:[{s:s, s:s}]}", "model", t->model, "max_tokens", tokens,
			      "messages", "role", "user", "content", "hi");
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	return text;
}

static const char *placeholder(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* Ask for so many tokens.  The answer's status and time are in *got. */
static int message_ask(const struct trial_of *t, int tokens, struct verdict *v, struct answer *got,
		       struct failure *f)
{
	struct question q = {
		.base = t->base, .path = MESSAGE_PATH, .socket = t->socket, .seconds = t->seconds
	};
	char *body = message_make(t, tokens);
	int r;

	if (!body)
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the model's name is no text");
	q.json = body;
	/* A relay puts in both. */
	if (!t->socket) {
		q.token = placeholder("ANTHROPIC_AUTH_TOKEN");
		q.headers = placeholder("ANTHROPIC_CUSTOM_HEADERS");
	}
	r = question_ask(&q, got, f);
	free(body);
	if (r != 0)
		return -1;
	verdict_of_answer(got, t->model, v);
	free(got->body);
	got->body = NULL;
	return 0;
}

/* ---- the report ---- */

static void report_text(const char *word, const char *text)
{
	if (text[0])
		printf("%s %s\n", word, text);
}

static void report_number(const char *word, uint64_t n)
{
	printf("%s %" PRIu64 "\n", word, n);
}

static void report_name(const char *name, void *arg)
{
	(void)arg;
	report_text("listed", name);
}

static void report_print(const struct trial_of *t, const struct verdict *v,
			 const struct answer *got)
{
	struct failure model;

	/* Its control characters replaced, so that it is one line. */
	fail_set(&model, FAIL_NONE, NULL, "%.250s", v->model[0] ? v->model : t->model);
	report_text("outcome", trial_name(v->outcome));
	report_text("model", model.what);
	report_text("words", v->words);
	if (got->status)
		report_number("status", (uint64_t)got->status);
	if (trial_works(v->outcome))
		report_number("first-ms", got->first_ms);
	if (v->counted) {
		report_number("input", v->input);
		report_number("output", v->output);
	}
	if (got->retry)
		report_number("retry", got->retry);
}

/* What the server has in its place.  Without a list there is nothing to say. */
static void report_models(const struct trial_of *t)
{
	struct answer got;

	if (list_ask(t, &got, NULL) != 0)
		return;
	if (got.status == 200)
		models_answer_each(got.body, got.n, report_name, NULL);
	free(got.body);
}

/* ---- all of it ---- */

static int trial_parse(struct trial_of *t, char **argv, struct failure *f)
{
	unsigned long seconds;

	for (; argv[0]; argv += 2) {
		if (!argv[1])
			return fail_set(f, FAIL_USAGE, NULL, "%.40s needs a value", argv[0]);
		if (strcmp(argv[0], "--model") == 0) {
			model_set(t, model_of_alias(argv[1]));
		} else if (strcmp(argv[0], "--wait") == 0 &&
			   number_parse(argv[1], 1, WAIT_MAX, &seconds)) {
			t->seconds = (long)seconds;
		} else {
			return fail_set(f, FAIL_USAGE, NULL, "%.40s %.40s: no option of a trial",
					argv[0], argv[1]);
		}
	}
	return 0;
}

int trial_run(const char *base, const char *socket, char **argv, struct failure *f)
{
	struct trial_of t = { .base = base, .socket = socket, .seconds = WAIT_SECONDS };
	/* Some take no less than 16, and models that think no less than 1024. */
	static const int tokens[] = { 1, 32, 2048 };
	struct answer got = { .status = 0 };
	struct verdict v = { .outcome = TRIAL_NO_MODEL };
	unsigned i = 0;
	int r = 0;

	if (trial_parse(&t, argv, f) != 0)
		return -1;
	model_of_environment(&t);
	if (!t.model[0])
		r = model_of_list(&t, &v, f);
	if (r < 0)
		return -1;
	if (r == 0 && t.model[0]) {
		do
			r = message_ask(&t, tokens[i], &v, &got, f);
		while (r == 0 && v.wants_more && ++i < sizeof(tokens) / sizeof(tokens[0]));
		if (r != 0)
			return -1;
	}
	report_print(&t, &v, &got);
	if (v.outcome == TRIAL_UNKNOWN_MODEL)
		report_models(&t);
	return io_flush(stdout) == 0 ? 0 : fail_errno(f, NULL, "standard output");
}
