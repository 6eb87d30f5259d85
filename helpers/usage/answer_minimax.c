/*
 * helpers/usage/answer_minimax.c - MiniMax's quota.
 *
 *   {model_remains: [{model_name, current_interval_remaining_percent, end_time}],
 *    base_resp: {status_code}}
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>
#include <strings.h>

#include "helpers/usage/answer.h"
#include "helpers/usage/json_values.h"
#include "helpers/usage/usage_result.h"

/* base_resp.status_code */
enum { STATUS_LOGIN_FAILED = 1004, STATUS_INVALID_KEY = 2049 };

/* The text model; the others make images and speech.  The first if no name is known. */
static const json_t *minimax_find_model(const json_t *models)
{
	const char *name;
	size_t i;

	for (i = 0; i < json_array_size(models); i++) {
		name = json_string_value(json_object_get(json_array_get(models, i), "model_name"));
		if (name && strncasecmp(name, "MiniMax-M", 9) == 0)
			return json_array_get(models, i);
	}
	return json_array_get(models, 0);
}

enum usage_error answer_minimax(const json_t *root, const char *host, struct usage_result *out)
{
	const json_t *models = json_object_get(root, "model_remains"),
		     *resp = json_object_get(root, "base_resp");
	const json_t *model;
	uint64_t status = 0;
	struct usage_item *n;
	double left;

	(void)host;
	if (resp && (value_whole(resp, "status_code", 100000, &status) != 0 || status != 0))
		return status == STATUS_LOGIN_FAILED || status == STATUS_INVALID_KEY
			       ? USAGE_UNAUTHORIZED
			       : USAGE_ANSWER;
	if (!json_is_array(models) || json_array_size(models) > ANSWER_LIST_MAX)
		return USAGE_ANSWER;
	model = minimax_find_model(models);
	if (value_number(model, "current_interval_remaining_percent", &left) != 0 || left < 0 ||
	    left > 100)
		return USAGE_ANSWER;
	n = usage_result_add(out, "5h");
	if (!n || usage_item_set_percent(n, 100 - left) != 0 ||
	    value_time_ms(model, "end_time", &n->reset) != 0)
		return USAGE_ANSWER;
	return USAGE_DONE;
}
