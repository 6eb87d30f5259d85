/*
 * wire/prices.c - prices as text.
 */
#include "wire/prices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/money.h"

#define NUMBER_MAX 32

/* In the order of a file's line. */
static const enum token_kind line_order[TOKEN_KINDS] = { TOKENS_INPUT, TOKENS_OUTPUT,
							 TOKENS_CACHE_READ, TOKENS_CACHE_WRITE };

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

bool price_model_ok(const char *name)
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
	char number[NUMBER_MAX];
	int i = 0;
	size_t n;

	memset(l, 0, sizeof(*l));
	if (!price_model_ok(model))
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
		if (price_parse(number, &l->prices.per_million[line_order[i]], NULL) != 0)
			goto bad;
		l->prices.known[line_order[i]] = true;
		text += n;
	}
	if (i == 2 || i == TOKEN_KINDS)
		return 0;
bad:
	return fail_set(f, FAIL_BAD_VALUE, "like 3 15 or 3 15 0.30 3.75, in dollars per million",
			"prices are INPUT OUTPUT, or INPUT OUTPUT CACHE-READ CACHE-WRITE");
}

void price_line_format(const struct price_line *l, char out[PRICE_LINE_TEXT])
{
	char number[MONEY_TEXT];
	size_t used = 0;
	int i;

	out[0] = '\0';
	for (i = 0; i < TOKEN_KINDS; i++) {
		if (!l->prices.known[line_order[i]])
			continue;
		money_format(l->prices.per_million[line_order[i]], number);
		used += (size_t)snprintf(out + used, PRICE_LINE_TEXT - used, "%s%s",
					 used ? " " : "", number);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t prices_sealed_text(const struct price_line *line, unsigned n,
			  char out[PRICES_SEALED_MAX + 1])
{
	char text[PRICE_LINES_MAX][PRICES_SEALED_MAX / PRICE_LINES_MAX], *sorted[PRICE_LINES_MAX];
	size_t used = 0, at;
	unsigned i;
	int kind;

	for (i = 0; i < n; i++) {
		sorted[i] = text[i];
		at = (size_t)snprintf(text[i], sizeof(text[i]), "%s", line[i].model);
		for (kind = 0; kind < TOKEN_KINDS; kind++)
			if (line[i].prices.known[kind])
				at += (size_t)snprintf(text[i] + at, sizeof(text[i]) - at,
						       " %s=%" PRIu64,
						       token_kind_name((enum token_kind)kind),
						       line[i].prices.per_million[kind]);
	}
	qsort(sorted, n, sizeof(sorted[0]), compare_lines);
	out[0] = '\0';
	for (i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, PRICES_SEALED_MAX + 1 - used, "%s\n",
					 sorted[i]);
	return used;
}
