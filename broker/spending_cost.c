/*
 * broker/spending_cost.c - a request's tokens and money.
 */
#include "broker/spending_cost.h"

#include <string.h>

#include "broker/price.h"
#include "broker/spending.h"
#include "broker/spending_book.h"

/* An answer without numbers: a byte stands for a character, four of them for a token. */
#define ANSWER_BYTES_PER_TOKEN 4
#define ESTIMATE_MAX (UINT64_C(1) << 50) /* micro-dollars; the sum of all reserved fits */

/* The prices for a limit: tokens of a kind that has none cost as input does. */
static bool prices_for_limit(const struct prices *p, struct prices *out)
{
	int i;

	if (!p)
		return false;
	*out = *p;
	for (i = 0; i < TOKEN_KINDS; i++)
		if (!p->known[i] && p->known[TOKENS_INPUT]) {
			out->per_million[i] = p->per_million[TOKENS_INPUT];
			out->known[i] = true;
		}
	return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* NULL: there are none, or it cannot be told which model it is. */
static const struct prices *prices_of(const struct book_entry *e, const char *model)
{
	return e && model[0] ? price_list_find(e->prices, model) : NULL;
}

static bool cost_by_prices(const struct prices *p, const struct token_counts *counts,
			   uint64_t *micros)
{
	struct prices all;

	if (!prices_for_limit(p, &all) || !price_cost(&all, counts, micros))
		return false;
	if (*micros > ESTIMATE_MAX)
		*micros = ESTIMATE_MAX;
	return true;
}

static uint64_t cost_by_rate(const struct book_rate *rate, uint64_t tokens)
{
	double sum = (double)tokens * ((double)rate->micros / (double)rate->tokens) + 1;

	return sum < ESTIMATE_MAX ? (uint64_t)sum : ESTIMATE_MAX;
}

/* By the dearest of all prices and rates: of a model that cannot be told.  False: it may be one
 * that has none, as there is no line for any. */
static bool cost_by_dearest(const struct book_entry *e, const struct token_counts *counts,
			    uint64_t tokens, uint64_t *micros)
{
	bool any = false;
	uint64_t one;
	unsigned i;

	for (i = 0; e->prices && i < e->prices->n; i++) {
		if (!cost_by_prices(&e->prices->line[i].prices, counts, &one))
			continue;
		*micros = larger(*micros, one);
		any = any || strcmp(e->prices->line[i].model, "*") == 0;
	}
	for (i = 0; i < e->rates.n; i++)
		if (e->rates.of[i].tokens)
			*micros = larger(*micros, cost_by_rate(&e->rates.of[i], tokens));
	return any;
}

/* What so many tokens may cost: by the prices p, else by what the provider said that earlier
 * answers of the model cost.  False: nobody knows; *micros is what is to be assumed. */
static bool cost_estimate(const struct book_entry *e, const struct prices *p, const struct spent *s,
			  uint64_t *micros)
{
	const struct book_rate *rate;
	struct token_counts counts;
	uint64_t total = 0;
	int i;

	*micros = 0;
	for (i = 0; i < TOKEN_KINDS; i++) {
		counts.n[i] = s->tokens[i];
		counts.known[i] = true;
		total += s->tokens[i] < UINT32_MAX ? s->tokens[i] : UINT32_MAX;
	}
	if (cost_by_prices(p, &counts, micros))
		return true;
	if (e && !s->model[0])
		return cost_by_dearest(e, &counts, total, micros);
	rate = e ? rates_find(&e->rates, s->model) : NULL;
	if (rate)
		*micros = cost_by_rate(rate, total);
	return rate != NULL;
}

static uint64_t input_estimate(uint64_t body_bytes)
{
	uint64_t n = body_bytes / SPENDING_BYTES_PER_TOKEN + 1;

	return body_bytes == 0 || n > SPENDING_INPUT_MAX ? SPENDING_INPUT_MAX : n;
}

void spending_cost_estimate(struct book_event *e, const struct book_entry *entry,
			    uint64_t body_bytes)
{
	e->sum.tokens[TOKENS_INPUT] = input_estimate(body_bytes);
	e->sum.tokens[TOKENS_OUTPUT] = SPENDING_OUTPUT;
	e->sum.unpriced =
		!cost_estimate(entry, prices_of(entry, e->sum.model), &e->sum, &e->sum.micros);
}

void spending_cost_of_passed(const struct book_event *e, const struct book_entry *entry,
			     uint64_t answer_bytes, uint64_t tokens, uint64_t *output,
			     uint64_t *micros)
{
	struct spent sum = e->sum;

	if (tokens > SPENDING_OUTPUT_MAX)
		tokens = SPENDING_OUTPUT_MAX;
	*output = larger(answer_bytes / ANSWER_BYTES_PER_TOKEN, tokens);
	*output = larger(*output, SPENDING_OUTPUT);
	sum.tokens[TOKENS_OUTPUT] = *output;
	(void)cost_estimate(entry, prices_of(entry, sum.model), &sum, micros);
}

/* A whole answer may bear no numbers, or none that can be: they are no use of nothing. */
static bool numbers_are_there(const struct use *u)
{
	return u->complete && u->known[TOKENS_INPUT] && u->known[TOKENS_OUTPUT];
}

/* Of an answer without all its numbers, as one that was cut off, the larger of numbers and
 * estimate; the input and the output each, since the input's numbers come first. */
static void tokens_estimate(struct book_event *e, const struct use *u,
			    const struct book_event *open)
{
	uint64_t *n = e->sum.tokens, cached = n[TOKENS_CACHE_READ] + n[TOKENS_CACHE_WRITE];
	uint64_t input = input_estimate(u->request_bytes);

	if (n[TOKENS_INPUT] + cached < input)
		n[TOKENS_INPUT] = input - cached;
	n[TOKENS_OUTPUT] = larger(larger(n[TOKENS_OUTPUT], SPENDING_OUTPUT),
				  u->answer_bytes / ANSWER_BYTES_PER_TOKEN);
	/* The provider may have billed all that the request allows, whatever came of it. */
	if (open)
		n[TOKENS_OUTPUT] = larger(n[TOKENS_OUTPUT], open->passed_output);
	e->sum.estimated = 1;
}

/* Of the model that answered; one without prices has those of the model that was asked for, by
 * which the request was let through: its name may be an alias. */
static const struct prices *prices_of_answer(const struct book *b, const struct book_event *e)
{
	const struct book_entry *entry = book_entry_find(b, e->sum.entry);
	const struct prices *p = prices_of(entry, e->sum.model);
	const struct book_event *open = p ? NULL : book_open_find(b, e->sum.session, e->id);

	return open ? prices_of(entry, open->sum.model) : p;
}

/* Before the reservation ends. */
static void cost_count(struct book_event *e, const struct use *u, const struct book *b)
{
	const struct book_entry *entry = book_entry_find(b, e->sum.entry);
	const struct prices *p = prices_of_answer(b, e);
	bool untold = !p && !e->sum.model[0];
	struct token_counts counts;
	uint64_t estimate;
	bool known;

	if (u->has_cost && !e->sum.estimated) {
		e->sum.micros = u->cost_micros;
		e->reported = true;
		return;
	}
	memcpy(counts.n, u->tokens, sizeof(counts.n));
	memcpy(counts.known, u->known, sizeof(counts.known));
	if (!e->sum.estimated && p && price_cost(p, &counts, &e->sum.micros)) {
		e->sum.unpriced = u->surcharged;
		return;
	}
	e->sum.micros = u->has_cost ? u->cost_micros : 0;
	/* A whole answer that has no price is counted by what is known, and still has none. */
	e->sum.unpriced = !e->sum.estimated;
	if (!e->sum.estimated && !p && !untold)
		return;
	known = cost_estimate(entry, p, &e->sum, &estimate);
	e->sum.micros = larger(e->sum.micros, estimate);
	if (!known)
		e->sum.unpriced = 1;
}

void spending_cost_count(struct book_event *e, const struct book *b, const struct use *u)
{
	int i;

	/* A refused one costs nothing.  Of one whose answer did not come, nobody knows. */
	if (!u->billed || (u->status != 0 && u->status / 100 != 2))
		return;
	for (i = 0; i < TOKEN_KINDS; i++)
		e->sum.tokens[i] = u->tokens[i] < UINT32_MAX ? u->tokens[i] : UINT32_MAX;
	if (!numbers_are_there(u))
		tokens_estimate(e, u, book_open_find(b, e->sum.session, e->id));
	cost_count(e, u, b);
}
