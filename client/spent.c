/*
 * client/spent.c - ccctl spent: what was used, by provider, model, project, session or day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/duration.h"
#include "base/fail.h"
#include "base/utf8.h"
#include "client/common/connection.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"
#include "json/output.h"
#include "spec/spec.h"
#include "wire/limit_text.h"

#define ROWS_MAX 8192 /* bounds what a broken broker can make us allocate */
#define TRIES_MAX 5   /* rows may be put together between two pages */
#define DAYS_SHOWN 30 /* without --since */
#define KEY_WIDTH 30  /* of the first column; the table fits 80 columns then */
#define KEY_SIZE 201  /* bytes of the longest text that is grouped by, with its NUL */

enum by { BY_PROVIDER, BY_MODEL, BY_PROJECT, BY_SESSION, BY_DAY, BYS };

static const char *const by_names[BYS] = { "provider", "model", "project", "session", "day" };
static const char *const by_titles[BYS] = { "PROVIDER", "MODEL", "PROJECT", "SESSION", "DAY" };

static const char *const sum_keys[] = { "requests", "estimated",   "unpriced",	 "input",
					"output",   "cache_write", "cache_read", "micros" };
enum sum { REQUESTS, ESTIMATED, UNPRICED, INPUT, OUTPUT, CACHE_WRITE, CACHE_READ, MICROS, SUMS };

struct group {
	char key[KEY_SIZE];
	uint64_t sum[SUMS];
};

struct spending_view {
	enum by by;
	bool json;
	uint64_t first_day; /* 20261128 */
	struct group *group;
	unsigned n;
	struct group total;
	uint64_t since, damaged, rolled;
};

static uint64_t day_of(time_t when)
{
	struct tm tm;

	if (!localtime_r(&when, &tm))
		return 0;
	return (uint64_t)(tm.tm_year + 1900) * 10000 + (uint64_t)(tm.tm_mon + 1) * 100 +
	       (uint64_t)tm.tm_mday;
}

/* "today", a date like 2026-11-28, or a length of time like 7d. */
static int since_parse(const char *text, uint64_t *day, struct failure *f)
{
	unsigned y, m, d;
	uint64_t seconds;
	int n = 0;

	if (strcmp(text, "today") == 0) {
		*day = day_of(time(NULL));
		return 0;
	}
	if (sscanf(text, "%4u-%2u-%2u%n", &y, &m, &d, &n) == 3 && n == 10 && !text[n] && m >= 1 &&
	    m <= 12 && d >= 1 && d <= 31) {
		*day = y * 10000ull + m * 100 + d;
		return 0;
	}
	if (duration_parse_typed(text, &seconds) == 0 && seconds <= 366000ull * 86400) {
		*day = day_of(time(NULL) - (time_t)seconds);
		return 0;
	}
	return fail_set(f, FAIL_USAGE, "today, a date like 2026-11-28, or 7d",
			"--since is a day, not '%.40s'", text);
}

static int spent_read_options(struct spending_view *v, int argc, char **argv, struct failure *f)
{
	bool first = true;
	int o, i;

	while ((o = next_option(&first, argc, argv, f)) != -1) {
		if (o == OPTION_JSON) {
			v->json = true;
		} else if (o == OPTION_SINCE) {
			if (since_parse(optarg, &v->first_day, f) != 0)
				return -1;
		} else if (o == OPTION_BY) {
			for (i = 0; i < BYS && strcmp(by_names[i], optarg) != 0; i++)
				;
			if (i == BYS)
				return fail_set(f, FAIL_USAGE, NULL,
						"--by is provider, model, project, session or day");
			v->by = (enum by)i;
		} else {
			return -1;
		}
	}
	return require_words(argc, argv, 0, f);
}

static void group_add(struct group *g, const uint64_t sum[SUMS])
{
	int i;

	for (i = 0; i < SUMS; i++)
		g->sum[i] = g->sum[i] > UINT64_MAX - sum[i] ? UINT64_MAX : g->sum[i] + sum[i];
}

static int view_add(struct spending_view *v, const char *key, const uint64_t sum[SUMS],
		    struct failure *f)
{
	struct group *grown;
	unsigned i;

	group_add(&v->total, sum);
	for (i = 0; i < v->n && strcmp(v->group[i].key, key) != 0; i++)
		;
	if (i == v->n) {
		/* In steps of 64. */
		if (v->n % 64 == 0) {
			grown = realloc(v->group, (v->n + 64) * sizeof(*grown));
			if (!grown)
				return fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for a table");
			v->group = grown;
		}
		memset(&v->group[i], 0, sizeof(v->group[i]));
		snprintf(v->group[i].key, sizeof(v->group[i].key), "%s", key);
		v->n++;
	}
	group_add(&v->group[i], sum);
	return 0;
}

static int view_read_row(struct spending_view *v, struct wire_map m, struct failure *f)
{
	uint64_t sum[SUMS], day;
	char key[KEY_SIZE];
	int i;

	for (i = 0; i < SUMS; i++)
		if (wire_get_uint(m, sum_keys[i], &sum[i], f) != 0)
			return -1;
	if (v->by != BY_DAY) {
		if (wire_get_text(m, by_names[v->by], key, sizeof(key), f) != 0)
			return -1;
	} else {
		if (wire_get_uint(m, "day", &day, f) != 0)
			return -1;
		snprintf(key, sizeof(key), "%04u-%02u-%02u", (unsigned)(day / 10000 % 10000),
			 (unsigned)(day / 100 % 100), (unsigned)(day % 100));
	}
	return view_add(v, key, sum, f);
}

/* One page.  *from: its first row, then the next page's. */
static int view_read_page(struct client *c, struct spending_view *v, uint64_t *from, bool *more,
			  struct failure *f)
{
	struct wire_out *o = wire_request("spent");
	struct wire_map m, item;
	unsigned i, n;
	uint64_t at = *from;

	wire_put_uint(o, "from", at);
	wire_put_uint(o, "since", v->first_day);
	if (client_call(c, o, f) != 0)
		return -1;
	m = c->dial.in.top;
	if (wire_get_uint(m, "since", &v->since, f) != 0 ||
	    wire_get_uint(m, "damaged", &v->damaged, f) != 0 ||
	    wire_get_uint(m, "rolled", &v->rolled, f) != 0 ||
	    wire_get_uint(m, "next", from, f) != 0 || wire_get_bool(m, "more", more, f) != 0 ||
	    wire_get_array(m, "rows", &n, f) != 0)
		return -1;
	if (*from > ROWS_MAX || (*more && *from <= at))
		return fail_set(f, FAIL_BAD_VALUE, NULL, "the broker's table does not end");
	for (i = 0; i < n; i++)
		if (wire_get_item(m, "rows", i, &item, f) != 0 || view_read_row(v, item, f) != 0)
			return -1;
	return 0;
}

/* All pages; from the start again if rows were put together meanwhile. */
static int view_read(struct client *c, struct spending_view *v, struct failure *f)
{
	uint64_t from, rolled;
	bool more;
	int i;

	for (i = 0; i < TRIES_MAX; i++) {
		from = 0;
		more = true;
		v->n = 0;
		memset(&v->total, 0, sizeof(v->total));
		if (view_read_page(c, v, &from, &more, f) != 0)
			return -1;
		rolled = v->rolled;
		while (more && v->rolled == rolled)
			if (view_read_page(c, v, &from, &more, f) != 0)
				return -1;
		if (v->rolled == rolled)
			return 0;
	}
	return fail_set(f, FAIL_BUSY, "try again", "the numbers change too fast");
}

static uint64_t group_tokens(const struct group *g)
{
	return g->sum[INPUT] + g->sum[OUTPUT] + g->sum[CACHE_WRITE] + g->sum[CACHE_READ];
}

/* Days in their order; else what cost most first, then what used most. */
static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	uint64_t tx = group_tokens(x), ty = group_tokens(y);

	if (x->sum[MICROS] != y->sum[MICROS])
		return x->sum[MICROS] < y->sum[MICROS] ? 1 : -1;
	if (tx != ty)
		return tx < ty ? 1 : -1;
	return strcmp(x->key, y->key);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct group *)a)->key, ((const struct group *)b)->key);
}

/* What it cost, as far as that is known: with a '+' where there is more, "-" for nothing. */
static void cost_text(const struct group *g, char out[LIMIT_AMOUNT + 1])
{
	char amount[LIMIT_AMOUNT];

	limit_format_amount(LIMIT_MONEY, g->sum[MICROS], amount);
	if (g->sum[UNPRICED] && g->sum[MICROS] == 0)
		snprintf(out, LIMIT_AMOUNT + 1, "-");
	else
		snprintf(out, LIMIT_AMOUNT + 1, "%s%s", amount, g->sum[UNPRICED] ? "+" : "");
}

static const char *key_text(const struct spending_view *v, const struct group *g)
{
	if (g->key[0])
		return g->key;
	return v->by == BY_SESSION ? "(earlier ones)" : "(not known)";
}

/* What fits into the column: of a long name its end, where directories and models differ. */
static void key_fit(const char *key, char out[KEY_SIZE + 3])
{
	if (cell_width(key, 0) <= KEY_WIDTH) {
		snprintf(out, KEY_SIZE + 3, "%s", key);
		return;
	}
	while (*key && cell_width(key, 0) > KEY_WIDTH - 1)
		for (key++; utf8_is_continuation(*key); key++)
			;
	snprintf(out, KEY_SIZE + 3, "…%s", key);
}

static void row_print(const struct group *g, const char *key, int width)
{
	char fitting[KEY_SIZE + 3];
	char requests[LIMIT_AMOUNT], input[LIMIT_AMOUNT], output[LIMIT_AMOUNT],
		cached[LIMIT_AMOUNT], cost[LIMIT_AMOUNT + 1];

	limit_format_amount(LIMIT_REQUESTS, g->sum[REQUESTS], requests);
	limit_format_amount(LIMIT_TOKENS, g->sum[INPUT] + g->sum[CACHE_WRITE], input);
	limit_format_amount(LIMIT_TOKENS, g->sum[OUTPUT], output);
	limit_format_amount(LIMIT_TOKENS, g->sum[CACHE_READ], cached);
	cost_text(g, cost);
	key_fit(key, fitting);
	put_cell(fitting, width);
	printf("%8s %8s %8s %8s %10s\n", requests, input, cached, output, cost);
}

static void view_print(const struct spending_view *v)
{
	int width = (int)strlen(by_titles[v->by]);
	char time[DATE_TEXT];
	unsigned i;

	if (v->n == 0) {
		say("nothing was used through ccrun's relay in this time");
	} else {
		for (i = 0; i < v->n; i++)
			width = cell_width(key_text(v, &v->group[i]), width);
		width = width > KEY_WIDTH ? KEY_WIDTH : width;
		put_cell(by_titles[v->by], width);
		printf("%8s %8s %8s %8s %10s\n", "REQUESTS", "INPUT", "CACHED", "OUTPUT", "COST");
		for (i = 0; i < v->n; i++)
			row_print(&v->group[i], key_text(v, &v->group[i]), width);
		if (v->n > 1)
			row_print(&v->total, "total", width);
	}
	if (v->total.sum[ESTIMATED])
		printf("%llu answers without numbers: counted by estimate\n",
		       (unsigned long long)v->total.sum[ESTIMATED]);
	if (v->total.sum[UNPRICED])
		printf("%llu answers without a price: their cost is not known\n",
		       (unsigned long long)v->total.sum[UNPRICED]);
	if (v->since && day_of((time_t)v->since) > v->first_day)
		printf("counted since %s\n", date_local(v->since, time));
	if (v->damaged)
		printf("a damaged file of numbers was set aside at %s; its sums are lost\n",
		       date_local(v->damaged, time));
}

static int view_print_json(const struct spending_view *v, struct failure *f)
{
	struct json_t *o = js_object(), *a = js_array(), *item;
	unsigned i;
	int k;

	js_time(o, "counted_since", v->since);
	js_time(o, "damaged", v->damaged);
	js_text(o, "by", by_names[v->by]);
	for (i = 0; i < v->n; i++) {
		item = js_object();
		js_text(item, by_names[v->by], v->group[i].key[0] ? v->group[i].key : NULL);
		for (k = 0; k < MICROS; k++)
			js_number(item, sum_keys[k], v->group[i].sum[k]);
		js_number(item, "cost_micros", v->group[i].sum[MICROS]);
		js_append(a, item);
	}
	js_put(o, "rows", a);
	return js_print(o, f);
}

int verb_spent(struct client *c, int argc, char **argv, struct failure *f)
{
	struct spending_view v = { .first_day = day_of(time(NULL) - DAYS_SHOWN * 86400) };
	int r;

	if (spent_read_options(&v, argc, argv, f) != 0 || client_connect(c, true, f) != 0)
		return -1;
	r = view_read(c, &v, f);
	if (r == 0) {
		if (v.n)
			qsort(v.group, v.n, sizeof(*v.group),
			      v.by == BY_DAY ? compare_keys : compare_groups);
		if (v.json)
			r = view_print_json(&v, f);
		else
			view_print(&v);
	}
	free(v.group);
	return r == 0 ? EXIT_DONE : -1;
}
