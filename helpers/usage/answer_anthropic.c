/*
 * helpers/usage/answer_anthropic.c - the quota of a Claude subscription.
 *
 *   {five_hour: {utilization, resets_at}, seven_day: {utilization, resets_at}}
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>

#include "helpers/usage/json_values.h"
#include "helpers/usage/usage_result.h"

/* Add one period's item; none if the period is missing or null: nothing was used in it yet. */
static int anthropic_add_period(const json_t *root, const char *key, const char *label,
				struct usage_result *out)
{
	const json_t *w = json_object_get(root, key);
	struct usage_item *n;
	double percent;

	if (value_absent(root, key))
		return 0;
	n = usage_result_add(out, label);
	return n && value_number(w, "utilization", &percent) == 0 &&
			       usage_item_set_percent(n, percent) == 0 &&
			       value_time_text(w, "resets_at", &n->reset) == 0
		       ? 0
		       : -1;
}

enum usage_error answer_anthropic(const json_t *root, const char *host, struct usage_result *out)
{
	(void)host;
	if (!json_object_get(root, "five_hour") && !json_object_get(root, "seven_day"))
		return USAGE_ANSWER;
	return anthropic_add_period(root, "five_hour", "5h", out) == 0 &&
			       anthropic_add_period(root, "seven_day", "wk", out) == 0
		       ? USAGE_DONE
		       : USAGE_ANSWER;
}
