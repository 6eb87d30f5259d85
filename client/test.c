/*
 * client/test.c - ccctl test: one small request to a provider, and what came of it.
 *
 * ccrun opens the session as for a launch (its policy, a yes, the limit, the record) and
 * becomes ccrun-ask in place of claude.  No key comes here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "client/common/asking.h"
#include "client/common/connection.h"
#include "client/common/entries.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/common/trials.h"
#include "client/trial_report.h"
#include "client/trial_words.h"
#include "client/verbs.h"
#include "config/provider/provider.h"
#include "json/output.h"
#include "spec/spec.h"

#define REPORT_BYTES (1u << 20)
#define WAIT_MAX 3600
#define WORDS_MAX 8 /* of ccrun's command line, with its NULL */

struct test {
	const char *word; /* NAME[:MODE] */
	const char *model, *wait;
	bool json;
	struct provider *p;
	char *text; /* the report's */
	struct trial_report report;
};

static int test_parse(struct test *t, int argc, char **argv, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	bool first = true;
	long seconds;
	int o;

	while ((o = next_option(&first, argc, argv, f)) != -1) {
		if (o == '?')
			return -1;
		if (o == OPTION_JSON)
			t->json = true;
		if (o == OPTION_MODEL)
			t->model = optarg;
		if (o == OPTION_WAIT) {
			if (number_option(optarg, 1, WAIT_MAX, "--wait", &seconds, f) != 0)
				return -1;
			t->wait = optarg;
		}
	}
	if (require_words(argc, argv, 1, f) != 0 ||
	    split_provider(argv[optind], name, mode, f) != 0)
		return -1;
	t->word = argv[optind];
	return provider_load(name, mode, &t->p, f);
}

/* Have it tried.  0 with the report, or -1. */
static int test_run(struct test *t, struct failure *f)
{
	const char *argv[WORDS_MAX] = { "ccrun", "--test", t->word };
	unsigned words = 3;
	int status;
	long n;

	if (t->model) {
		argv[words++] = "--model";
		argv[words++] = t->model;
	}
	if (t->wait) {
		argv[words++] = "--wait";
		argv[words++] = t->wait;
	}
	t->text = malloc(REPORT_BYTES);
	if (!t->text)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for an answer");
	n = ccrun_ask(argv, false, t->text, REPORT_BYTES, &status, f);
	if (n < 0)
		return -1;
	if (trial_report_read(t->text, (size_t)n, &t->report) != 0)
		return fail_set(f, FAIL_PROGRAM, NULL, "the trial of %s ended without a result",
				t->word);
	return 0;
}

/* For ccctl list.  What a model came to that a person only tried says nothing of the files. */
static int test_keep(struct client *c, const struct test *t, struct failure *f)
{
	const struct trial_report *r = &t->report;
	struct kept_trial kept = { .at = (uint64_t)clock_wall(),
				   .outcome = r->outcome,
				   .first_ms = r->first_ms };
	struct listed *entries = NULL;
	struct failure locked;
	unsigned n = 0;
	int result;

	if (!trial_is_of_provider(r->outcome) || (t->model && r->outcome == TRIAL_UNKNOWN_MODEL))
		return 0;
	snprintf(kept.model, sizeof(kept.model), "%.*s", TRIAL_MODEL_MAX, r->model);
	if (t->p->secrets && (client_connect(c, false, &locked) != 0 ||
			      entries_fetch(c, &entries, &n, &locked) != 0)) {
		free(entries);
		entries = NULL;
	}
	result = trial_subject_of(t->p, entries, n, &kept.subject, f);
	free(entries);
	return result == 0 ? trial_keep(t->p->name, t->p->mode, &kept, f) : -1;
}

static int test_print_json(const struct test *t, const char *message, const char *hint,
			   struct failure *f)
{
	const struct trial_report *r = &t->report;
	struct json_t *o = js_object(), *names = js_array();
	unsigned i;

	js_text(o, "provider", t->p->name);
	js_text(o, "mode", t->p->mode[0] ? t->p->mode : NULL);
	js_text(o, "outcome", trial_name(r->outcome));
	js_bool(o, "works", trial_works(r->outcome));
	js_text(o, "model", r->model[0] ? r->model : NULL);
	if (trial_works(r->outcome))
		js_number(o, "first_byte_ms", r->first_ms);
	else
		js_null(o, "first_byte_ms");
	if (r->counted) {
		js_number(o, "input", r->input);
		js_number(o, "output", r->output);
	} else {
		js_null(o, "input");
		js_null(o, "output");
	}
	if (r->status)
		js_number(o, "status", r->status);
	else
		js_null(o, "status");
	js_text(o, "message", message);
	js_text(o, "hint", hint[0] ? hint : NULL);
	for (i = 0; i < r->names; i++)
		js_append_text(names, r->name[i]);
	js_put(o, "models", names);
	return js_print(o, f);
}

/* What is to be said: the exit code, or -1 with it in f. */
static int test_tell(struct test *t, struct failure *f)
{
	bool works = trial_works(t->report.outcome);
	struct failure ended = { .code = FAIL_NONE };
	char line[TRIAL_LINE_MAX];
	int code;

	if (works) {
		trial_line(&t->report, t->word, line);
		if (t->json)
			return test_print_json(t, line, "", f) == 0 ? EXIT_DONE : -1;
		put_foreign(line);
		putchar('\n');
		return EXIT_DONE;
	}
	trial_fail(&t->report, t->p, t->word, &ended);
	code = t->report.outcome == TRIAL_LAUNCH_ONLY ? EXIT_UNTRIED : fail_exit_code(&ended);
	if (!t->json)
		fail_print("ccctl", &ended);
	else if (test_print_json(t, ended.what, ended.hint, f) != 0)
		return -1;
	return code;
}

int verb_test(struct client *c, int argc, char **argv, struct failure *f)
{
	struct failure unkept = { .code = FAIL_NONE };
	struct test *t = calloc(1, sizeof(*t));
	int r = -1;

	if (!t)
		return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a trial");
	if (test_parse(t, argc, argv, f) == 0 && test_run(t, f) == 0) {
		if (test_keep(c, t, &unkept) != 0)
			fail_print("ccctl", &unkept);
		r = test_tell(t, f);
	}
	if (t->p)
		provider_free(t->p);
	free(t->text);
	free(t);
	return r;
}
