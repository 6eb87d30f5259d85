/*
 * helpers/ask/list.c - the names of the models that a server has, a line each.
 */
#include "helpers/ask/list.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/io.h"
#include "helpers/ask/models_answer.h"
#include "helpers/ask/question.h"
#include "helpers/ask/verdict.h"

static int list_fail_unasked(const struct answer *a, const char *base, struct failure *f)
{
	if (a->cause == TRIAL_REFUSED || a->cause == TRIAL_NO_HOST)
		return fail_set(f, FAIL_SYSTEM, "is the server started, and the address right?",
				"nothing answers at %.200s", base);
	return fail_set(f, FAIL_SYSTEM, NULL, "%.200s: %.100s", base, a->words);
}

static int list_fail_status(const struct answer *a, const char *base, struct failure *f)
{
	struct verdict v;

	if (a->cause == TRIAL_WORKS && (a->status == 401 || a->status == 403))
		return fail_set(f, FAIL_POLICY, "ccctl add PROVIDER --replace",
				"the provider refuses the key (HTTP %ld)", a->status);
	if (a->cause == TRIAL_WORKS && (a->status == 404 || a->status == 405))
		return fail_set(f, FAIL_NO_ENTRY, "its documentation names its models",
				"the provider has no list of models (HTTP %ld)", a->status);
	verdict_of_answer(a, "", &v);
	if (a->cause != TRIAL_WORKS && v.words[0])
		return fail_set(f, FAIL_SYSTEM, NULL, "%.250s", v.words);
	return fail_set(f, FAIL_SYSTEM, NULL, "%.200s answers with HTTP %ld", base, a->status);
}

static void name_print(const char *name, void *arg)
{
	(void)arg;
	printf("%s\n", name);
}

/* Ask at one path and print.  0; 1: there is no such list there; or -1. */
static int list_try(const char *base, const char *path, const char *socket, struct failure *f)
{
	const struct question q = {
		.base = base, .path = path, .socket = socket, .seconds = LIST_SECONDS
	};
	struct answer got;
	int r = 0;

	if (question_ask(&q, &got, f) != 0)
		return -1;
	if (answer_is_none(&got))
		r = list_fail_unasked(&got, base, f);
	else if (got.status != 200)
		r = list_fail_status(&got, base, f) != 0 && got.status == 404 ? 1 : -1;
	else if (models_answer_each(got.body, got.n, name_print, NULL) < 0)
		r = fail_set(f, FAIL_PROGRAM, NULL, "the answer of %.200s is no list of models",
			     base);
	free(got.body);
	return r;
}

int list_print(const char *base, const char *socket, struct failure *f)
{
	int r = list_try(base, LIST_PATH, socket, f);

	/* An Ollama of before its OpenAI-like API.  A relay passes no such path. */
	if (r > 0 && !socket)
		r = list_try(base, "/api/tags", NULL, f);
	if (r != 0)
		return -1;
	return io_flush(stdout) == 0 ? 0 : fail_errno(f, NULL, "standard output");
}
