/*
 * helpers/usage/answer_siliconflow.c - SiliconFlow's balance.
 *
 *   {data: {totalBalance}}
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>

#include "helpers/usage/answer.h"

enum usage_error answer_siliconflow(const json_t *root, const char *host, struct usage_result *out)
{
	return answer_add_balance(json_object_get(root, "data"), "totalBalance", host, out);
}
