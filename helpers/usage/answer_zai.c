/*
 * helpers/usage/answer_zai.c - z.ai's quota, and Zhipu's, which has the same format.
 *
 *   {success, code, data: {limits: [{unit, number, percentage, nextResetTime}]}}
 */
#include "helpers/usage/answer_parsers.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "helpers/usage/answer.h"
#include "helpers/usage/json_values.h"
#include "helpers/usage/usage_result.h"

/* The values of unit. */
enum { ZAI_HOURS = 3, ZAI_MONTHS = 5, ZAI_WEEKS = 6 };

/* One limit's label and unit; the label is "" for an unknown unit. */
static int zai_parse_label(const json_t *limit, char label[LABEL_LEN + 1], unsigned *unit)
{
	uint64_t number = 0, u;

	if (value_whole(limit, "unit", 1000, &u) != 0 ||
	    (!value_absent(limit, "number") && value_whole(limit, "number", 999, &number) != 0))
		return -1;
	*unit = (unsigned)u;
	label[0] = '\0';
	if (u == ZAI_HOURS && number)
		snprintf(label, LABEL_LEN + 1, "%uh", (unsigned)number);
	else if (u == ZAI_HOURS)
		snprintf(label, LABEL_LEN + 1, "h");
	else if (u == ZAI_WEEKS)
		snprintf(label, LABEL_LEN + 1, "wk");
	else if (u == ZAI_MONTHS)
		snprintf(label, LABEL_LEN + 1, "mo");
	return 0;
}

/* The item with this label, added if there is none. */
static struct usage_item *zai_find_or_add(struct usage_result *out, const char *label)
{
	uint32_t i;

	for (i = 0; i < out->count; i++)
		if (strcmp(out->item[i].label, label) == 0)
			return &out->item[i];
	return usage_result_add(out, label);
}

/*
 * Add one limit if it has the wanted unit.  Of two limits with one label the one with
 * the higher percentage counts.
 */
static int zai_add_limit(const json_t *limit, unsigned wanted, struct usage_result *out)
{
	char label[LABEL_LEN + 1];
	struct usage_item seen, *n;
	double percent;
	unsigned unit;

	memset(&seen, 0, sizeof(seen));
	if (zai_parse_label(limit, label, &unit) != 0 ||
	    value_number(limit, "percentage", &percent) != 0 ||
	    usage_item_set_percent(&seen, percent) != 0 ||
	    value_time_ms(limit, "nextResetTime", &seen.reset) != 0)
		return -1;
	if (!label[0] || unit != wanted)
		return 0;
	n = zai_find_or_add(out, label);
	if (!n)
		return -1;
	if (!n->has_percent || seen.percent > n->percent) {
		snprintf(seen.label, sizeof(seen.label), "%s", label);
		*n = seen;
	}
	return 0;
}

enum usage_error answer_zai(const json_t *root, const char *host, struct usage_result *out)
{
	static const unsigned order[] = { ZAI_HOURS, ZAI_WEEKS, ZAI_MONTHS };
	const json_t *limits = json_object_get(json_object_get(root, "data"), "limits");
	uint64_t code = 0;
	size_t i, j;

	(void)host;
	if (!json_is_true(json_object_get(root, "success"))) {
		/* An invalid key gets status 200 and one of these codes. */
		if (value_whole(root, "code", 100000, &code) == 0 &&
		    (code == 401 || (code >= 1000 && code <= 1004)))
			return USAGE_UNAUTHORIZED;
		return USAGE_ANSWER;
	}
	if (!json_is_array(limits) || json_array_size(limits) > ANSWER_LIST_MAX)
		return USAGE_ANSWER;
	/* The order of the list has no meaning: sort by unit. */
	for (j = 0; j < sizeof(order) / sizeof(order[0]); j++)
		for (i = 0; i < json_array_size(limits); i++)
			if (zai_add_limit(json_array_get(limits, i), order[j], out) != 0)
				return USAGE_ANSWER;
	return out->count ? USAGE_DONE : USAGE_ANSWER;
}
