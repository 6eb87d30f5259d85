/*
 * wire/prices.c - prices as text.
 */
#include "wire/prices.h"

#include <string.h>

#include "base/fail.h"
#include "base/money.h"

#define NUMBER_MAX 32

const char *token_kind_name(enum token_kind kind)
{
	static const char *const names[TOKEN_KINDS] = {
		[TOKENS_INPUT] = "input",
		[TOKENS_OUTPUT] = "output",
		[TOKENS_CACHE_WRITE] = "cache_write",
		[TOKENS_CACHE_READ] = "cache_read",
	};

	return names[kind];
}

int price_parse(const char *text, uint64_t *per_million, struct failure *f)
{
	if (!money_parse(text, strlen(text), PRICE_MAX, per_million))
		return fail_set(
			f, FAIL_BAD_VALUE,
			"write a price as 3 or 0.30: up to 10000, six digits after the point",
			"\"%.40s\" is no price in dollars per million tokens", text);
	return 0;
}

static bool model_name_ok(const char *name)
{
	const char *star = strchr(name, '*');
	size_t i;

	if (!name[0] || strlen(name) >= PRICE_MODEL || (star && star[1]))
		return false;
	for (i = 0; name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return true;
}

int price_line_parse(struct price_line *l, const char *model, const char *text, struct failure *f)
{
	/* In the order of the file. */
	static const enum token_kind kinds[TOKEN_KINDS] = { TOKENS_INPUT, TOKENS_OUTPUT,
							    TOKENS_CACHE_READ, TOKENS_CACHE_WRITE };
	char number[NUMBER_MAX];
	int i = 0;
	size_t n;

	memset(l, 0, sizeof(*l));
	if (!model_name_ok(model))
		return fail_set(f, FAIL_BAD_VALUE, "like claude-sonnet-4-5 or claude-sonnet-*",
				"this is no name of a model");
	memcpy(l->model, model, strlen(model) + 1);
	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t"), i++) {
		n = strcspn(text, " \t");
		if (i == TOKEN_KINDS || n >= sizeof(number))
			goto bad;
		memcpy(number, text, n);
		number[n] = '\0';
		/* Without price_parse's message: what stands in a file is not shown. */
		if (price_parse(number, &l->prices.per_million[kinds[i]], NULL) != 0)
			goto bad;
		l->prices.known[kinds[i]] = true;
		text += n;
	}
	if (i == 2 || i == TOKEN_KINDS)
		return 0;
bad:
	return fail_set(f, FAIL_BAD_VALUE, "like 3 15 or 3 15 0.30 3.75, in dollars per million",
			"prices are INPUT OUTPUT, or INPUT OUTPUT CACHE-READ CACHE-WRITE");
}
