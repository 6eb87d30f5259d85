/*
 * helpers/usage/answer.c - from a vendor's answer to numbers.
 */
#include "helpers/usage/answer.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "helpers/usage/usage_kind.h"
#include "helpers/usage/usage_result.h"
#include "helpers/usage/json_values.h"

#define LIST_MAX 64 /* items of a list that are looked at */

/* Some vendors sell in China for yuan, elsewhere for dollars, and do not say which. */
static const char *currency_of(const char *host)
{
	size_t n = strlen(host);

	return n > 3 && strcasecmp(host + n - 3, ".cn") == 0 ? "CNY" : "USD";
}

/* One balance in an object. */
static int balance(const json_t *data, const char *key, const char *host, struct usage_result *out)
{
	struct usage_item *n;
	double amount;

	if (value_number(data, key, &amount) != 0)
		return USAGE_ANSWER;
	n = usage_result_add(out, "bal");
	return n && usage_item_set_amount(n, amount, currency_of(host)) == 0 ? USAGE_DONE : USAGE_ANSWER;
}

/* ---- OpenRouter: {data: {limit, limit_remaining, usage, usage_monthly, ...}} ---- */

/* A key with a limit: how much of it is used, and what is left. */
static int key_limit(const json_t *data, struct usage_result *out)
{
	double limit, left;
	struct usage_item *n;

	if (value_number(data, "limit", &limit) != 0 || limit < 0 ||
	    value_number(data, "limit_remaining", &left) != 0 || left > limit)
		return USAGE_ANSWER;
	n = usage_result_add(out, "key");
	/* Of nothing, everything is used. */
	if (!n || usage_item_set_percent(n, limit > 0 ? (limit - left) / limit * 100 : 100) != 0 ||
	    usage_item_set_amount(n, left, "USD") != 0)
		return USAGE_ANSWER;
	return USAGE_DONE;
}

int answer_openrouter(const json_t *root, const char *host, struct usage_result *out)
{
	const json_t *data = json_object_get(root, "data");
	struct usage_item *n;
	double spent;

	(void)host;
	if (!json_is_object(data) || !json_object_get(data, "limit"))
		return USAGE_ANSWER;
	if (!value_absent(data, "limit"))
		return key_limit(data, out);
	/* Without one: what was spent this month; since ever where that is not told. */
	if (value_number(data, value_absent(data, "usage_monthly") ? "usage" : "usage_monthly", &spent) != 0 ||
	    spent < 0)
		return USAGE_ANSWER;
	n = usage_result_add(out, "used");
	return n && usage_item_set_amount(n, spent, "USD") == 0 ? USAGE_DONE : USAGE_ANSWER;
}

/* ---- z.ai: {success, code, data: {limits: [{unit, number, percentage, nextResetTime}]}} ---- */

enum { ZAI_HOURS = 3, ZAI_MONTHS = 5, ZAI_WEEKS = 6 };

/* What one limit is called; "" for a unit that is not known. */
static int zai_label(const json_t *limit, char label[LABEL_LEN + 1], unsigned *unit)
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

/* Two limits of one label: the one that is nearer to its end counts. */
static struct usage_item *labelled(struct usage_result *out, const char *label)
{
	uint32_t i;

	for (i = 0; i < out->count; i++)
		if (strcmp(out->item[i].label, label) == 0)
			return &out->item[i];
	return usage_result_add(out, label);
}

static int zai_limit(const json_t *limit, unsigned wanted, struct usage_result *out)
{
	char label[LABEL_LEN + 1];
	struct usage_item seen, *n;
	double percent;
	unsigned unit;

	memset(&seen, 0, sizeof(seen));
	if (zai_label(limit, label, &unit) != 0 || value_number(limit, "percentage", &percent) != 0 ||
	    usage_item_set_percent(&seen, percent) != 0 ||
	    value_time_ms(limit, "nextResetTime", &seen.reset) != 0)
		return -1;
	if (!label[0] || unit != wanted)
		return 0;
	n = labelled(out, label);
	if (!n)
		return -1;
	if (!n->has_percent || seen.percent > n->percent) {
		snprintf(seen.label, sizeof(seen.label), "%s", label);
		*n = seen;
	}
	return 0;
}

int answer_zai(const json_t *root, const char *host, struct usage_result *out)
{
	static const unsigned order[] = { ZAI_HOURS, ZAI_WEEKS, ZAI_MONTHS };
	const json_t *limits = json_object_get(json_object_get(root, "data"), "limits");
	uint64_t code = 0;
	size_t i, j;

	(void)host;
	if (!json_is_true(json_object_get(root, "success"))) {
		/* A key that is no good is told of with a 200. */
		if (value_whole(root, "code", 100000, &code) == 0 &&
		    (code == 401 || (code >= 1000 && code <= 1004)))
			return USAGE_UNAUTHORIZED;
		return USAGE_ANSWER;
	}
	if (!json_is_array(limits) || json_array_size(limits) > LIST_MAX)
		return USAGE_ANSWER;
	/* By unit: the order of the list says nothing. */
	for (j = 0; j < sizeof(order) / sizeof(order[0]); j++)
		for (i = 0; i < json_array_size(limits); i++)
			if (zai_limit(json_array_get(limits, i), order[j], out) != 0)
				return USAGE_ANSWER;
	return out->count ? USAGE_DONE : USAGE_ANSWER;
}

/* ---- DeepSeek: {balance_infos: [{currency, total_balance}]} ---- */

static int deepseek_item(const json_t *info, struct usage_item *n)
{
	const char *currency = json_string_value(json_object_get(info, "currency"));
	double amount;

	memset(n, 0, sizeof(*n));
	if (!currency || strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3 ||
	    json_string_length(json_object_get(info, "currency")) != 3)
		return -1;
	snprintf(n->label, sizeof(n->label), "bal");
	return value_number(info, "total_balance", &amount) == 0 && usage_item_set_amount(n, amount, currency) == 0
		       ? 0
		       : -1;
}

int answer_deepseek(const json_t *root, const char *host, struct usage_result *out)
{
	const json_t *infos = json_object_get(root, "balance_infos");
	struct usage_item n, empty = { .label = "" };
	size_t i;

	(void)host;
	if (!json_is_array(infos) || json_array_size(infos) < 1 || json_array_size(infos) > ITEMS_MAX)
		return USAGE_ANSWER;
	for (i = 0; i < json_array_size(infos); i++) {
		if (deepseek_item(json_array_get(infos, i), &n) != 0)
			return USAGE_ANSWER;
		if (strcmp(n.amount, "0.00") != 0)
			out->item[out->count++] = n;
		else if (!empty.label[0] || strcmp(n.currency, "USD") == 0)
			empty = n;
	}
	/* Nothing left in any currency: that is to be said, once. */
	if (!out->count)
		out->item[out->count++] = empty;
	return USAGE_DONE;
}

/* ---- Moonshot: {data: {available_balance}}; SiliconFlow: {data: {totalBalance}} ---- */

int answer_moonshot(const json_t *root, const char *host, struct usage_result *out)
{
	return balance(json_object_get(root, "data"), "available_balance", host, out);
}

int answer_siliconflow(const json_t *root, const char *host, struct usage_result *out)
{
	return balance(json_object_get(root, "data"), "totalBalance", host, out);
}

/* ---- MiniMax: {model_remains: [{model_name, current_interval_remaining_percent, end_time}]} ---- */

/* The model that a session talks to; the others draw and speak. */
static const json_t *minimax_model(const json_t *models)
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

int answer_minimax(const json_t *root, const char *host, struct usage_result *out)
{
	const json_t *models = json_object_get(root, "model_remains"), *resp = json_object_get(root, "base_resp");
	const json_t *model;
	uint64_t status = 0;
	struct usage_item *n;
	double left;

	(void)host;
	if (resp && (value_whole(resp, "status_code", 100000, &status) != 0 || status != 0))
		return status == 1004 || status == 2049 ? USAGE_UNAUTHORIZED : USAGE_ANSWER;
	if (!json_is_array(models) || json_array_size(models) > LIST_MAX)
		return USAGE_ANSWER;
	model = minimax_model(models);
	if (value_number(model, "current_interval_remaining_percent", &left) != 0 || left < 0 || left > 100)
		return USAGE_ANSWER;
	n = usage_result_add(out, "5h");
	if (!n || usage_item_set_percent(n, 100 - left) != 0 || value_time_ms(model, "end_time", &n->reset) != 0)
		return USAGE_ANSWER;
	return USAGE_DONE;
}

/* ---- the subscription: {five_hour: {utilization, resets_at}, seven_day: {...}} ---- */

static int window(const json_t *root, const char *key, const char *label, struct usage_result *out)
{
	const json_t *w = json_object_get(root, key);
	struct usage_item *n;
	double percent;

	/* null: nothing was used in it yet. */
	if (value_absent(root, key))
		return 0;
	n = usage_result_add(out, label);
	return n && value_number(w, "utilization", &percent) == 0 && usage_item_set_percent(n, percent) == 0 &&
			       value_time_text(w, "resets_at", &n->reset) == 0
		       ? 0
		       : -1;
}

int answer_anthropic(const json_t *root, const char *host, struct usage_result *out)
{
	(void)host;
	if (!json_object_get(root, "five_hour") && !json_object_get(root, "seven_day"))
		return USAGE_ANSWER;
	return window(root, "five_hour", "5h", out) == 0 && window(root, "seven_day", "wk", out) == 0
		       ? USAGE_DONE
		       : USAGE_ANSWER;
}

/* ---- all of them ---- */

void answer_parse(const struct usage_kind *kind, const char *host, const char *body, size_t n, struct usage_result *out)
{
	/* A key twice could be read in two ways. */
	json_t *root = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL);
	int r = json_is_object(root) ? kind->parse(root, host, out) : USAGE_ANSWER;

	json_decref(root);
	/* Half an answer is none. */
	if (r != USAGE_DONE)
		out->count = 0;
	out->error = (uint32_t)r;
}
