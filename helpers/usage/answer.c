/*
 * helpers/usage/answer.c - parse a vendor's answer into a result.  The parser of
 * each vendor is in answer_VENDOR.c.
 */
#include "helpers/usage/answer.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "helpers/usage/json_values.h"
#include "helpers/usage/usage_kind.h"

/* The answers name no currency: hosts in China (.cn) bill in yuan, the others in dollars. */
static const char *currency_of(const char *host)
{
	size_t n = strlen(host);

	return n > 3 && strcasecmp(host + n - 3, ".cn") == 0 ? "CNY" : "USD";
}

enum usage_error answer_add_balance(const json_t *data, const char *key, const char *host,
				    struct usage_result *out)
{
	struct usage_item *n;
	double amount;

	if (value_number(data, key, &amount) != 0)
		return USAGE_ANSWER;
	n = usage_result_add(out, "bal");
	return n && usage_item_set_amount(n, amount, currency_of(host)) == 0 ? USAGE_DONE
									     : USAGE_ANSWER;
}

void answer_parse(const struct usage_kind *kind, const char *host, const char *body, size_t n,
		  struct usage_result *out)
{
	/* With a duplicate key the answer would be ambiguous. */
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL);
	enum usage_error r = json_is_object(root) ? kind->parse(root, host, out) : USAGE_ANSWER;

	json_decref(root);
	/* A parser may have added items before it failed. */
	if (r != USAGE_DONE)
		out->count = 0;
	out->error = (uint32_t)r;
}
