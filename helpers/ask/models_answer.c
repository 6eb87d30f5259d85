/*
 * helpers/ask/models_answer.c - the names of models in a server's answer.
 */
#include "helpers/ask/models_answer.h"

#include <jansson.h>
#include <stdbool.h>

/* Is it one line of a length that is believable? */
static bool name_ok(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t i, n = json_string_length(v);

	if (!s || n == 0 || n > MODEL_NAME_MAX)
		return false;
	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

/* The name of one model: an object's, or it is a string itself. */
static const json_t *model_name(const json_t *model)
{
	const json_t *id = json_object_get(model, "id");

	if (json_is_string(model))
		return model;
	return id ? id : json_object_get(model, "name");
}

static const json_t *models_array(const json_t *root)
{
	const json_t *data = json_object_get(root, "data");

	if (json_is_array(root))
		return root;
	return json_is_array(data) ? data : json_object_get(root, "models");
}

int models_answer_each(const char *body, size_t n, models_take *take, void *arg)
{
	json_t *root = json_loadb(body, n, 0, NULL);
	const json_t *models = models_array(root), *name;
	size_t i;
	int count = -1;

	if (json_is_array(models)) {
		count = 0;
		for (i = 0; i < json_array_size(models) && count < MODELS_MAX; i++) {
			name = model_name(json_array_get(models, i));
			if (!name_ok(name))
				continue;
			take(json_string_value(name), arg);
			count++;
		}
	}
	json_decref(root);
	return count;
}
