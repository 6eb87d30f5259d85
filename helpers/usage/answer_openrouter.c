/*
 * helpers/usage/answer_openrouter.c - OpenRouter's quota.
 *
 *   {data: {limit, limit_remaining, usage, usage_monthly, ...}}
 *
 * limit is null for a key without a limit.
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>

#include "helpers/usage/json_values.h"
#include "helpers/usage/usage_result.h"

/* A key with a limit: the percentage used and the amount left. */
static enum usage_error openrouter_add_limit(const json_t *data, struct usage_result *out)
{
	double limit, left;
	struct usage_item *n;

	if (value_number(data, "limit", &limit) != 0 || limit < 0 ||
	    value_number(data, "limit_remaining", &left) != 0 || left > limit)
		return USAGE_ANSWER;
	n = usage_result_add(out, "key");
	/* A limit of 0 counts as used up. */
	if (!n || usage_item_set_percent(n, limit > 0 ? (limit - left) / limit * 100 : 100) != 0 ||
	    usage_item_set_amount(n, left, "USD") != 0)
		return USAGE_ANSWER;
	return USAGE_DONE;
}

enum usage_error answer_openrouter(const json_t *root, const char *host, struct usage_result *out)
{
	const json_t *data = json_object_get(root, "data");
	struct usage_item *n;
	double spent;

	(void)host;
	if (!json_is_object(data) || !json_object_get(data, "limit"))
		return USAGE_ANSWER;
	if (!value_absent(data, "limit"))
		return openrouter_add_limit(data, out);
	/* Without a limit: what was spent this month, or in all if the month is not given. */
	if (value_number(data, value_absent(data, "usage_monthly") ? "usage" : "usage_monthly",
			 &spent) != 0 ||
	    spent < 0)
		return USAGE_ANSWER;
	n = usage_result_add(out, "used");
	return n && usage_item_set_amount(n, spent, "USD") == 0 ? USAGE_DONE : USAGE_ANSWER;
}
