/*
 * client/trial_report.c - what ccrun --test printed: the end of a trial.
 */
#include "client/trial_report.h"

#include <limits.h>
#include <string.h>

#include "base/number.h"
#include "client/common/output.h"

static bool report_take_text(struct trial_report *r, const char *word, const char *value)
{
	const struct {
		const char *word;
		char *to;
		size_t size;
	} texts[] = {
		{ "model", r->model, sizeof(r->model) },
		{ "words", r->words, sizeof(r->words) },
		{ "what", r->failure.what, sizeof(r->failure.what) },
		{ "hint", r->failure.hint, sizeof(r->failure.hint) },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].word, word) == 0) {
			clean_foreign(value, texts[i].to, texts[i].size);
			return true;
		}
	return false;
}

static void report_take_number(struct trial_report *r, const char *word, const char *value)
{
	const struct {
		const char *word;
		uint64_t *to;
	} numbers[] = {
		{ "status", &r->status }, { "first-ms", &r->first_ms }, { "input", &r->input },
		{ "output", &r->output }, { "retry", &r->retry },
	};
	unsigned long n;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(numbers[i].word, word) == 0 && number_parse(value, 0, LONG_MAX, &n)) {
			*numbers[i].to = n;
			r->counted = r->counted || strcmp(word, "output") == 0;
		}
}

static void report_take_line(struct trial_report *r, char *line, bool *told)
{
	char *value = strchr(line, ' ');

	if (!value)
		return;
	*value++ = '\0';
	if (strcmp(line, "outcome") == 0)
		*told = trial_from_name(value, &r->outcome) == 0;
	else if (strcmp(line, "failure") == 0)
		r->failure.code = fail_from_name(value);
	else if (strcmp(line, "listed") == 0 && r->names < TRIAL_NAMES_MAX)
		r->name[r->names++] = value;
	else if (!report_take_text(r, line, value))
		report_take_number(r, line, value);
}

int trial_report_read(char *text, size_t n, struct trial_report *out)
{
	char *line = text, *end;
	bool told = false;

	memset(out, 0, sizeof(*out));
	while ((end = memchr(line, '\n', n - (size_t)(line - text)))) {
		*end = '\0';
		report_take_line(out, line, &told);
		line = end + 1;
	}
	return told ? 0 : -1;
}
