/*
 * helpers/usage/answer_deepseek.c - DeepSeek's balance.
 *
 *   {balance_infos: [{currency, total_balance}]}
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "helpers/usage/json_values.h"
#include "helpers/usage/usage_result.h"

static int deepseek_parse_item(const json_t *info, struct usage_item *n)
{
	const char *currency = json_string_value(json_object_get(info, "currency"));
	double amount;

	memset(n, 0, sizeof(*n));
	if (!currency || strlen(currency) != 3 ||
	    strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 ||
	    json_string_length(json_object_get(info, "currency")) != 3)
		return -1;
	snprintf(n->label, sizeof(n->label), "bal");
	return value_number(info, "total_balance", &amount) == 0 &&
			       usage_item_set_amount(n, amount, currency) == 0
		       ? 0
		       : -1;
}

enum usage_error answer_deepseek(const json_t *root, const char *host, struct usage_result *out)
{
	const json_t *infos = json_object_get(root, "balance_infos");
	struct usage_item n, empty = { .label = "" };
	size_t i;

	(void)host;
	if (!json_is_array(infos) || json_array_size(infos) < 1 ||
	    json_array_size(infos) > ITEMS_MAX)
		return USAGE_ANSWER;
	for (i = 0; i < json_array_size(infos); i++) {
		if (deepseek_parse_item(json_array_get(infos, i), &n) != 0)
			return USAGE_ANSWER;
		if (strcmp(n.amount, "0.00") != 0)
			out->item[out->count++] = n;
		else if (!empty.label[0] || strcmp(n.currency, "USD") == 0)
			empty = n;
	}
	/* All balances are zero: show one of them, in dollars if there is one. */
	if (!out->count)
		out->item[out->count++] = empty;
	return USAGE_DONE;
}
