/*
 * broker/spending_rate.c - rates by model.
 */
#include "broker/spending_rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct book_rate *rate_of(const struct rates *r, const char *model)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->of[i].model, model) == 0)
			return &r->of[i];
	return NULL;
}

const struct book_rate *rates_find(const struct rates *r, const char *model)
{
	const struct book_rate *rate = model[0] ? rate_of(r, model) : NULL;

	return rate && rate->tokens ? rate : NULL;
}

static void rate_take_out(struct rates *r, struct book_rate *rate)
{
	struct book_rate *end = r->of + r->n--;

	memmove(rate, rate + 1, (size_t)((char *)end - (char *)(rate + 1)));
}

/* Room for one more: what nothing is held against may be forgotten. */
static bool rates_make_room(struct rates *r)
{
	unsigned i;

	if (!r->of)
		r->of = calloc(RATES_MAX, sizeof(*r->of));
	for (i = 0; r->n == RATES_MAX && i < r->n; i++)
		if (r->of[i].cut == 0 && !r->of[i].blind)
			rate_take_out(r, &r->of[i]);
	return r->of && r->n < RATES_MAX;
}

/* The rate of model, made where there is none, as the last used.  NULL: it cannot be. */
static struct book_rate *rate_use(struct rates *r, const char *model)
{
	struct book_rate used = { 0 }, *rate = rate_of(r, model);

	if (rate) {
		used = *rate;
		rate_take_out(r, rate);
	} else {
		snprintf(used.model, sizeof(used.model), "%s", model);
	}
	if (!rates_make_room(r))
		return NULL;
	r->of[r->n] = used;
	return &r->of[r->n++];
}

void rates_learn(struct rates *r, const char *model, uint64_t micros, uint64_t tokens)
{
	struct book_rate *rate = model[0] ? rate_use(r, model) : NULL;

	if (!rate)
		return;
	rate->cut = 0;
	rate->blind = false;
	/* Halved long before they could overflow: only their ratio is asked for. */
	if (rate->tokens > UINT64_MAX / 8 || rate->micros > UINT64_MAX / 8) {
		rate->tokens /= 2;
		rate->micros /= 2;
	}
	rate->tokens += tokens < UINT32_MAX ? tokens : UINT32_MAX;
	rate->micros += micros < UINT32_MAX ? micros : UINT32_MAX;
}

void rates_note_cut(struct rates *r, const char *model)
{
	struct book_rate *rate = rate_use(r, model);

	if (rate)
		rate->cut++;
	else
		r->lost = true;
}

void rates_note_blind(struct rates *r, const char *model)
{
	struct book_rate *rate = rate_use(r, model);

	if (!rate) {
		r->lost = true;
		return;
	}
	rate->blind = true;
	rate->micros = rate->tokens = 0;
}

void rates_forget(struct rates *r, const char *model)
{
	struct book_rate *rate = rate_of(r, model);

	if (rate)
		rate->micros = rate->tokens = 0;
}

void rates_restore(struct rates *r, const struct book_rate *read)
{
	struct book_rate *rate = rate_use(r, read->model);

	if (rate)
		*rate = *read;
	else
		r->lost = true;
}

bool rates_are_blind(const struct rates *r)
{
	uint64_t cut = 0;
	bool blind = r->lost;
	unsigned i;

	for (i = 0; i < r->n; i++) {
		blind = blind || r->of[i].blind;
		cut += r->of[i].cut < RATE_CUT_MAX ? r->of[i].cut : RATE_CUT_MAX;
	}
	return blind || cut >= RATE_CUT_MAX;
}

void rates_free(struct rates *r)
{
	free(r->of);
	memset(r, 0, sizeof(*r));
}
