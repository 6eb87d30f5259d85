/*
 * helpers/usage/answer_moonshot.c - Moonshot's balance.
 *
 *   {data: {available_balance}}
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>

#include "helpers/usage/answer.h"

enum usage_error answer_moonshot(const json_t *root, const char *host, struct usage_result *out)
{
	return answer_add_balance(json_object_get(root, "data"), "available_balance", host, out);
}
