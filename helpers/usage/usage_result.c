/*
 * helpers/usage/usage_result.c - the result of a fetch, and the check of one.
 */
#include "helpers/usage/usage_result.h"

#include <stdio.h>
#include <string.h>

#define AMOUNT_MAX 1e9
#define RESET_MAX 7258118400u /* the year 2200 */

const char *usage_error_name(uint32_t error)
{
	static const char *const word[USAGE_ERRORS] = {
		[USAGE_UNAUTHORIZED] = "unauthorized", [USAGE_RATE_LIMITED] = "rate-limited",
		[USAGE_NETWORK] = "network",	       [USAGE_TLS] = "tls",
		[USAGE_TIMEOUT] = "timeout",	       [USAGE_ANSWER] = "answer",
		[USAGE_REDIRECT] = "redirect",	       [USAGE_TOO_LARGE] = "too-large",
		[USAGE_MISSING] = "missing",
	};

	return error < USAGE_ERRORS ? word[error] : NULL;
}

uint32_t usage_error_find(const char *name)
{
	uint32_t i;

	for (i = USAGE_DONE + 1; i < USAGE_ERRORS; i++)
		if (strcmp(usage_error_name(i), name) == 0)
			return i;
	return USAGE_ANSWER;
}

enum usage_error usage_error_of_status(long status)
{
	if (status == 200)
		return USAGE_DONE;
	if (status >= 300 && status < 400)
		return USAGE_REDIRECT;
	if (status == 401 || status == 403)
		return USAGE_UNAUTHORIZED;
	return status == 429 ? USAGE_RATE_LIMITED : USAGE_ANSWER;
}

/* NUL-terminated within size bytes, and only characters of the alphabet. */
static bool text_is_valid(const char *text, size_t size, const char *alphabet)
{
	size_t n = strnlen(text, size);

	return n < size && strspn(text, alphabet) == n;
}

bool usage_result_valid(const struct usage_result *n)
{
	static const char labels[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t i;

	if (n->error >= USAGE_ERRORS || n->retry > RETRY_MAX || n->asked > 1 ||
	    n->count > ITEMS_MAX)
		return false;
	for (i = 0; i < n->count; i++) {
		const struct usage_item *at = &n->item[i];

		if (!text_is_valid(at->label, sizeof(at->label), labels) || !at->label[0] ||
		    !text_is_valid(at->amount, sizeof(at->amount), "-.0123456789") ||
		    !text_is_valid(at->currency, sizeof(at->currency),
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ") ||
		    at->has_percent > 1 || at->percent > PERCENT_MAX || at->reset > RESET_MAX)
			return false;
	}
	return true;
}

struct usage_item *usage_result_add(struct usage_result *n, const char *label)
{
	struct usage_item *at;

	if (n->count >= ITEMS_MAX)
		return NULL;
	at = &n->item[n->count++];
	memset(at, 0, sizeof(*at));
	snprintf(at->label, sizeof(at->label), "%s", label);
	return at;
}

int usage_item_set_percent(struct usage_item *n, double percent)
{
	/* Written so that a NaN fails. */
	if (!(percent >= 0 && percent <= PERCENT_MAX / 100.0))
		return -1;
	n->percent = (uint32_t)(percent * 100 + 0.5);
	n->has_percent = 1;
	return 0;
}

int usage_item_set_amount(struct usage_item *n, double amount, const char *currency)
{
	int len;

	if (!(amount > -AMOUNT_MAX && amount < AMOUNT_MAX))
		return -1;
	/* No "-0.00". */
	if (amount > -0.005 && amount <= 0)
		amount = 0;
	len = snprintf(n->amount, sizeof(n->amount), "%.2f", amount);
	if (len < 1 || len >= (int)sizeof(n->amount))
		return -1;
	snprintf(n->currency, sizeof(n->currency), "%s", currency);
	return 0;
}
