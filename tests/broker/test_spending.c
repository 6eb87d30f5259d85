/*
 * tests/broker/test_spending.c - reserve and settle: what is refused, what is counted, and
 * what a restart, a crash or a damaged file leaves of it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/io.h"
#include "broker/spending.h"
#include "broker/spending_book.h"
#include "broker/spending_cost.h"
#include "broker/spending_refusal.h"
#include "broker/tenant.h"
#include "tests/vault/vault_fixture.h"
#include "vault/crypto.h"

/* In the place of base/clock.c. */
static int64_t wall, boot_ms;

int64_t clock_now_ms(void)
{
	return boot_ms;
}

int64_t clock_wall(void)
{
	return wall;
}

static struct tenant tenant;
static char dir[] = "/tmp/test_spending_XXXXXX";
static struct spending_refusal refusal;

static void pass_time(int64_t seconds)
{
	wall += seconds;
	boot_ms += seconds * 1000;
}

static void seal_limit(const char *name, const char *policy)
{
	struct entry e = made(name, "token-of-an-entry");

	snprintf(e.policy, sizeof(e.policy), "%s", policy);
	assert_int_equal(vault_put(tenant.vault, &e, NULL), 0);
}

static void path_in(char out[128], const char *leaf)
{
	snprintf(out, 128, "%s/%s", dir, leaf);
}

static int begin(void **state)
{
	struct failure f = { 0 };

	setenv("TZ", "UTC", 1);
	/* Saturday noon */
	wall = 1795867200;
	boot_ms = 1000000;
	strcpy(dir, "/tmp/test_spending_XXXXXX");
	if (setup(state) != 0 || !mkdtemp(dir))
		return -1;
	memset(&tenant, 0, sizeof(tenant));
	tenant.arena = arena;
	tenant.vault = fresh();
	if (store_open(&tenant.store, dir, &f) != 0 || audit_open(&tenant.audit, dir, &f) != 0)
		return -1;
	seal_limit("free", "delivery=auto");
	seal_limit("tokens", "limit=100k/day");
	seal_limit("money", "limit=$1/day");
	seal_limit("calls", "limit=3/hour");
	return 0;
}

static int end(void **state)
{
	char command[160];

	spending_close(&tenant);
	vault_free(tenant.vault);
	audit_close(&tenant.audit);
	store_close(&tenant.store);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? teardown(state) : -1;
}

/* As when the broker is killed: nothing is closed in order. */
static void crash(void)
{
	close(tenant.book->ledger.fd);
	book_free(tenant.book);
	free(tenant.book);
	tenant.book = NULL;
}

static int reserve(const char *entry, uint64_t id, uint64_t bytes)
{
	return spending_reserve(&tenant, entry, "session", id, bytes, "model", &refusal);
}

static struct use answered(const char *entry, uint64_t input, uint64_t output)
{
	struct use u = { .entry = entry,
			 .provider = "provider",
			 .model = "model",
			 .project = "project",
			 .session = "session",
			 .tokens = { [TOKENS_INPUT] = input, [TOKENS_OUTPUT] = output },
			 .known = { true, true, true, true },
			 .status = 200,
			 .complete = true,
			 .billed = true,
			 .request_bytes = 3000,
			 .answer_bytes = 100 };

	return u;
}

static void settle(const struct use *u, uint64_t id)
{
	struct failure f = { 0 };

	if (spending_settle(&tenant, u, id, NULL, &f) != 0)
		fail_msg("%s", f.what);
}

static uint64_t used(const char *entry, enum limit_kind kind)
{
	struct book *b = spending_book(&tenant, NULL);
	const struct book_entry *e = b ? book_entry_find(b, entry) : NULL;
	struct limit_time now = spending_now(&tenant);
	struct limit_window w;

	assert_non_null(b);
	limit_window_of(LIMIT_DAY, &now, &w);
	return e ? limit_used(&e->counters, LIMIT_DAY, w.number, kind) : 0;
}

static void expect_logged(const char *text)
{
	char path[128], *log;
	size_t n;

	path_in(path, "record.jsonl");
	assert_int_equal(io_slurp(path, 1 << 20, &log, &n, NULL), 0);
	if (!strstr(log, text))
		fail_msg("not in the log: %s", text);
	free(log);
}

static void test_limited(void **state)
{
	(void)state;
	assert_false(spending_limited(&tenant, "free"));
	assert_true(spending_limited(&tenant, "tokens"));
	assert_true(spending_limited(&tenant, "nobody"));
}

static void test_without_a_limit(void **state)
{
	struct use u = answered("free", 4000000000, 0);
	uint64_t i;

	(void)state;
	for (i = 0; i < 20; i++) {
		assert_int_equal(reserve("free", i, 1 << 30), 0);
		settle(&u, i);
	}
	assert_true(used("free", LIMIT_TOKENS) == 20 * UINT64_C(4000000000));
	assert_int_equal(used("free", LIMIT_REQUESTS), 20);
}

static void test_tokens(void **state)
{
	struct use u = answered("tokens", 90000, 5000);

	(void)state;
	u.tokens[TOKENS_CACHE_READ] = 1000;
	assert_int_equal(reserve("tokens", 1, 3000), 0);
	settle(&u, 1);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 96000);
	/* 4096 of an answer do not fit into the rest, whatever the request's size. */
	assert_int_equal(reserve("tokens", 2, 300), -1);
	assert_non_null(strstr(refusal.message, "'tokens' has no room"));
	assert_non_null(strstr(refusal.message, "96k of 100k tokens a day used"));
	assert_non_null(strstr(refusal.message, "until 2026-11-29 00:00"));
	assert_int_equal(refusal.retry, 12 * 3600);
	u = answered("tokens", 5000, 0);
	settle(&u, 3);
	assert_int_equal(reserve("tokens", 4, 300), -1);
	assert_non_null(strstr(refusal.message, "'tokens' is reached: 101k of 100k tokens a day"));
	/* Others go on, and so does this one after midnight. */
	assert_int_equal(reserve("free", 5, 300), 0);
	pass_time(12 * 3600 - 1);
	assert_int_equal(reserve("tokens", 6, 300), -1);
	assert_int_equal(refusal.retry, 1);
	pass_time(1);
	assert_int_equal(reserve("tokens", 7, 300), 0);
}

/* Two at once cannot pass a limit that has room for one. */
static void test_parallel_requests(void **state)
{
	struct use u = answered("tokens", 10, 10);

	(void)state;
	assert_int_equal(reserve("tokens", 1, 180000), 0);
	assert_int_equal(reserve("tokens", 2, 180000), -1);
	assert_non_null(strstr(refusal.message, "under way"));
	assert_in_range(refusal.retry, 1, 10);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 0);
	settle(&u, 1);
	assert_int_equal(reserve("tokens", 2, 180000), 0);
}

static void test_requests(void **state)
{
	struct use u = answered("calls", 10, 10);
	uint64_t i;

	(void)state;
	u.status = 529;
	for (i = 0; i < 3; i++) {
		assert_int_equal(reserve("calls", i, 100), 0);
		settle(&u, i);
	}
	assert_int_equal(reserve("calls", 3, 100), -1);
	assert_int_equal(used("calls", LIMIT_TOKENS), 0);
	assert_int_equal(used("calls", LIMIT_REQUESTS), 3);
	pass_time(3600);
	assert_int_equal(reserve("calls", 3, 100), 0);
}

static void test_unbilled(void **state)
{
	struct use u = answered("free", 70, 70);

	(void)state;
	u.billed = false;
	settle(&u, 1);
	assert_int_equal(used("free", LIMIT_TOKENS), 0);
	assert_int_equal(used("free", LIMIT_REQUESTS), 1);
}

/* ---- answers that say less than all ---- */

static void test_cut_off(void **state)
{
	struct use u = answered("free", 0, 0);

	(void)state;
	u.complete = false;
	/* nothing is known: 3000 bytes, and the answer's estimate */
	settle(&u, 1);
	assert_int_equal(used("free", LIMIT_TOKENS), 1001 + SPENDING_OUTPUT);
	/* the input is known and larger, part of it from the cache */
	u.tokens[TOKENS_INPUT] = 500;
	u.tokens[TOKENS_CACHE_READ] = 50000;
	settle(&u, 2);
	assert_int_equal(used("free", LIMIT_TOKENS), 1001 + 50500 + 2 * SPENDING_OUTPUT);
	/* a long answer is no cheaper because its end is missing */
	u = answered("free", 1001, 1);
	u.complete = false;
	u.answer_bytes = 400000;
	settle(&u, 3);
	assert_int_equal(used("free", LIMIT_TOKENS),
			 1001 + 50500 + 2 * SPENDING_OUTPUT + 1001 + 100000);
	/* no answer came at all */
	u = answered("free", 0, 0);
	u.complete = false;
	u.status = 0;
	u.request_bytes = 0;
	settle(&u, 4);
	assert_int_equal(used("free", LIMIT_TOKENS), 1001 + 50500 + 2 * SPENDING_OUTPUT + 101001 +
							     SPENDING_INPUT_MAX + SPENDING_OUTPUT);
}

/* Who ends the session before the answer has not had it for nothing. */
static void test_session_ends(void **state)
{
	(void)state;
	assert_int_equal(reserve("tokens", 1, 3000), 0);
	assert_int_equal(reserve("tokens", 2, 3000), 0);
	assert_int_equal(spending_reserve(&tenant, "tokens", "other", 1, 3000, "model", &refusal),
			 0);
	spending_release_session(&tenant, "session", NULL, NULL);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 2 * (1001 + SPENDING_OUTPUT));
	assert_int_equal(tenant.book->opens, 1);
	spending_release_session(&tenant, "other", NULL, NULL);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 3 * (1001 + SPENDING_OUTPUT));
	assert_int_equal(tenant.book->opens, 0);
}

/* What had passed when a relay was killed counts, in memory and in the file. */
static void test_session_ends_in_an_answer(void **state)
{
	const uint64_t passed = 400000, most = 32000;

	(void)state;
	assert_int_equal(reserve("tokens", 1, 3000), 0);
	assert_int_equal(spending_reserve(&tenant, "free", "other", 1, 3000, "model", &refusal), 0);
	assert_int_equal(spending_reserve(&tenant, "free", "other", 2, 3000, "model", &refusal), 0);
	spending_pass(&tenant, "session", 1, 16384, 0);
	spending_pass(&tenant, "session", 1, passed, 0);
	spending_pass(&tenant, "session", 2, 1u << 30, 0); /* is none */
	spending_pass(&tenant, "other", 1, 16384, most);
	spending_pass(&tenant, "other", 2, 0, UINT64_MAX);
	spending_release_session(&tenant, "session", NULL, NULL);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 1001 + passed / 4);
	assert_int_equal(reserve("tokens", 4, 3000), -1);
	crash();
	assert_int_equal(used("free", LIMIT_TOKENS), 2 * 1001 + most + SPENDING_OUTPUT_MAX);
}

/* What has passed of an answer under way is used, whatever was estimated of it: the next does
 * not wait for its end to be refused. */
static void test_what_passed_counts_before_the_end(void **state)
{
	(void)state;
	assert_int_equal(reserve("tokens", 1, 3000), 0);
	spending_pass(&tenant, "session", 1, 16384, 0);
	assert_int_equal(reserve("tokens", 2, 3000), 0);
	/* 98,000 tokens, and the other's estimate */
	spending_pass(&tenant, "session", 1, 4 * 98000, 0);
	assert_int_equal(reserve("tokens", 3, 3000), -1);
	assert_non_null(strstr(refusal.message, "requests that are under way"));
	/* Of another session, too; not of another entry. */
	assert_int_equal(spending_reserve(&tenant, "tokens", "other", 3, 3000, "model", &refusal),
			 -1);
	assert_int_equal(reserve("calls", 4, 3000), 0);
}

/* ---- money ---- */

static struct price_list prices_of(const char *model, uint64_t input, uint64_t output)
{
	struct price_list l = { .n = 1 };

	snprintf(l.line[0].model, sizeof(l.line[0].model), "%s", model);
	l.line[0].prices.per_million[TOKENS_INPUT] = input;
	l.line[0].prices.per_million[TOKENS_OUTPUT] = output;
	l.line[0].prices.known[TOKENS_INPUT] = l.line[0].prices.known[TOKENS_OUTPUT] = true;
	return l;
}

static void test_money_by_price(void **state)
{
	struct price_list prices = prices_of("mod*", 3000000, 15000000);
	struct use u = answered("money", 200000, 20000);

	(void)state;
	spending_set_prices(&tenant, "money", &prices);
	assert_int_equal(reserve("money", 1, 3000), 0);
	/* 1001 x 3 + 4096 x 15 */
	assert_int_equal(tenant.book->open[0].sum.micros, 3003 + 61440);
	settle(&u, 1);
	assert_int_equal(used("money", LIMIT_MONEY), 900000);
	/* $0.10 are left: 60,000 bytes and an answer take more */
	assert_int_equal(reserve("money", 2, 60000), -1);
	assert_non_null(strstr(refusal.message, "$0.90 of $1 a day used"));
	assert_int_equal(reserve("money", 3, 3000), 0);
}

/* A request that asks for no stream is billed as a whole, whoever hung up at once. */
static void test_cut_off_without_a_stream(void **state)
{
	struct price_list prices = prices_of("model", 1000000, 10000000);
	struct use u = answered("money", 0, 0);

	(void)state;
	spending_set_prices(&tenant, "money", &prices);
	u.complete = false;
	u.status = 0;
	assert_int_equal(reserve("money", 1, 3000), 0);
	spending_pass(&tenant, "session", 1, 0, 32000);
	settle(&u, 1);
	assert_int_equal(used("money", LIMIT_MONEY), 1001 + 320000);
	assert_int_equal(reserve("money", 2, 3000), 0);
	spending_pass(&tenant, "session", 2, 0, 32000);
	spending_release_session(&tenant, "session", NULL, NULL);
	assert_int_equal(used("money", LIMIT_MONEY), 2 * (1001 + 320000));
}

/* As test_what_passed_counts_before_the_end. */
static void test_money_that_passed_counts_before_the_end(void **state)
{
	struct price_list prices = prices_of("model", 1000000, 10000000);
	struct use u = answered("money", 1000, 1000);

	(void)state;
	spending_set_prices(&tenant, "money", &prices);
	assert_int_equal(reserve("money", 1, 3000), 0);
	assert_int_equal(reserve("money", 2, 3000), 0);
	/* $0.96 of $1, and an estimate of 4 cents for each of the others */
	spending_pass(&tenant, "session", 1, 4 * 96000, 0);
	assert_int_equal(reserve("money", 3, 3000), -1);
	assert_non_null(strstr(refusal.message, "requests that are under way"));
	/* It was less in the end. */
	settle(&u, 1);
	assert_int_equal(reserve("money", 3, 3000), 0);
}

static void test_money_by_the_provider(void **state)
{
	struct use u = answered("money", 9000, 1000);

	(void)state;
	u.has_cost = true;
	u.cost_micros = 500000;
	assert_int_equal(reserve("money", 1, 3000), 0);
	settle(&u, 1);
	assert_int_equal(used("money", LIMIT_MONEY), 500000);
	/* 10,000 tokens were $0.50: 30,000 bytes and an answer are more than is left */
	assert_int_equal(reserve("money", 2, 30000), -1);
	assert_int_equal(reserve("money", 3, 3000), 0);
	/* cut off, it is counted by that, too */
	u.complete = u.has_cost = false;
	u.tokens[TOKENS_INPUT] = u.tokens[TOKENS_OUTPUT] = 0;
	settle(&u, 3);
	assert_int_equal(used("money", LIMIT_MONEY), 500000 + (1001 + SPENDING_OUTPUT) * 50 + 1);
}

static int reserve_model(const char *model, uint64_t id)
{
	return spending_reserve(&tenant, "money", "session", id, 3000, model, &refusal);
}

/* A whole answer of model, asked for by another name, that the provider said the cost of. */
static void settle_told(const char *asked, const char *model, uint64_t id, uint64_t micros)
{
	struct use u = answered("money", 9000, 1000);

	u.model = model;
	u.has_cost = true;
	u.cost_micros = micros;
	assert_int_equal(reserve_model(asked, id), 0);
	settle(&u, id);
}

static void settle_cut(const char *asked, const char *model, uint64_t id)
{
	struct use u = answered("money", 0, 0);

	u.model = model;
	u.complete = false;
	assert_int_equal(reserve_model(asked, id), 0);
	settle(&u, id);
}

/* The session chooses the model: what a free one costs says nothing of another. */
static void test_money_of_a_model_by_its_own_answers(void **state)
{
	(void)state;
	settle_told("free", "free", 1, 0);
	settle_told("dear", "dear-2", 2, 100000);
	settle_cut("dear", "dear-2", 3);
	assert_int_equal(used("money", LIMIT_MONEY), 100000 + (1001 + SPENDING_OUTPUT) * 10 + 1);
	crash();
	settle_cut("dear-2", "dear-2", 4);
	assert_int_equal(used("money", LIMIT_MONEY),
			 100000 + 2 * ((1001 + SPENDING_OUTPUT) * 10 + 1));
	/* The third of a model that nobody knows is the last, whatever comes between. */
	settle_cut("other", "other", 5);
	settle_told("free", "free", 6, 0);
	settle_cut("other", "other", 7);
	crash();
	settle_told("free", "free", 8, 0);
	settle_cut("another", "another", 9);
	assert_int_equal(reserve_model("other", 10), -1);
	assert_non_null(strstr(refusal.message, "nobody knows what 'other' costs"));
	assert_int_equal(reserve_model("", 10), -1);
	settle_told("free", "free", 11, 0);
	assert_int_equal(reserve_model("third", 12), -1);
	crash();
	assert_int_equal(reserve_model("third", 12), -1);
	assert_int_equal(reserve_model("dear", 13), 0);
}

/* A known name by which a request asks is no word for what answers it. */
static void test_money_of_a_model_by_anothers_name(void **state)
{
	uint64_t id = 1;

	(void)state;
	for (; id < 7; id += 2) {
		settle_told("free", "free", id, 0);
		settle_cut("free", "dear", id + 1);
	}
	assert_int_equal(reserve_model("free", id), -1);
	assert_non_null(strstr(refusal.message, "nobody knows what 'free' costs"));
}

/* Nor is one that cannot be told what earlier ones of that kind cost. */
static void test_money_of_a_model_without_a_name(void **state)
{
	uint64_t id;

	(void)state;
	settle_told("", "free", 1, 0);
	for (id = 2; id < 5; id++)
		settle_cut("", "", id);
	assert_int_equal(reserve_model("", id), -1);
}

/* More models than are kept: those that something is held against stay. */
static void test_money_of_many_models(void **state)
{
	char model[16];
	uint64_t id = 1;

	(void)state;
	settle_cut("cut", "cut", id++);
	for (; id < 2 * RATES_MAX; id++) {
		snprintf(model, sizeof(model), "m%u", (unsigned)id);
		settle_told(model, model, id, 1000);
	}
	settle_cut("cut", "cut", id++);
	settle_cut("m2", "m2", id++); /* forgotten, and so unknown */
	assert_int_equal(reserve_model("m2", id), -1);
	settle_told(model, model, id, 1000);
}

static void test_money_that_nobody_knows(void **state)
{
	struct price_list prices = prices_of("model", 1000000, 1000000);
	struct use u = answered("money", 10, 10);

	(void)state;
	assert_int_equal(reserve("money", 1, 3000), 0);
	settle(&u, 1);
	assert_int_equal(tenant.book->table.row[0].unpriced, 1);
	assert_int_equal(reserve("money", 2, 3000), -1);
	assert_non_null(strstr(refusal.message, "nobody knows what 'model' costs"));
	spending_set_prices(&tenant, "money", &prices);
	assert_int_equal(reserve("money", 3, 3000), 0);
}

static int reserve_in(const char *session, const char *model, uint64_t id)
{
	return spending_reserve(&tenant, "money", session, id, 3000, model, &refusal);
}

/* Its estimate is nothing, so any number at once would be within the limit. */
static void test_money_that_nobody_knows_goes_out_once(void **state)
{
	struct use u = answered("money", 9000, 1000);

	(void)state;
	assert_int_equal(reserve_model("dear", 1), 0);
	assert_int_equal(reserve_model("dear", 2), -1);
	assert_non_null(strstr(refusal.message, "nobody knows yet what 'dear' costs"));
	assert_non_null(strstr(refusal.message, "request of 'money' is under way"));
	assert_int_equal(refusal.retry, SPENDING_RETRY_SOON);
	/* by whatever name and session; other entries have limits of their own */
	assert_int_equal(reserve_in("other", "another", 2), -1);
	assert_int_equal(reserve_model("", 2), -1);
	assert_non_null(strstr(refusal.message, "does not begin with its model"));
	seal_limit("money-too", "limit=$1/day");
	assert_int_equal(reserve("money-too", 2, 3000), 0);
	/* What its answer told is known, */
	u.model = "dear";
	u.has_cost = true;
	u.cost_micros = 10000;
	settle(&u, 1);
	assert_int_equal(reserve_model("dear", 3), 0);
	assert_int_equal(reserve_model("dear", 4), 0);
	/* and nothing of others, whoever is under way. */
	assert_int_equal(reserve_in("other", "another", 5), 0);
	assert_int_equal(reserve_model("third", 6), -1);
	spending_release_session(&tenant, "other", NULL, NULL);
	assert_int_equal(reserve_model("third", 6), 0);
}

/* Other limits ask for no price. */
static void test_what_nobody_knows_the_price_of_without_money(void **state)
{
	static const char *const entries[] = { "free", "tokens", "calls" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		assert_int_equal(reserve(entries[i], 2 * i, 3000), 0);
		assert_int_equal(reserve(entries[i], 2 * i + 1, 3000), 0);
	}
}

/* A body of unknown length has as many tokens as any. */
static void test_bodies_of_unknown_length_at_once(void **state)
{
	(void)state;
	assert_int_equal(reserve("tokens", 1, 0), -1);
	seal_limit("more", "limit=500k/day");
	assert_int_equal(reserve("more", 1, 0), 0);
	assert_int_equal(reserve("more", 2, 0), 0);
	assert_int_equal(reserve("more", 3, 0), -1);
}

static void prices_add(struct price_list *l, const char *model, uint64_t input, uint64_t output)
{
	const struct price_list one = prices_of(model, input, output);

	l->line[l->n++] = one.line[0];
}

#define DEAREST (1001 * 3 + SPENDING_OUTPUT * 15)

/* It costs what the dearest one does that is known; and may be one that is not. */
static void test_money_of_a_model_that_cannot_be_told(void **state)
{
	struct price_list prices = prices_of("cheap", 1, 1);
	struct use u = answered("money", 0, 0);

	(void)state;
	prices_add(&prices, "dear", 3000000, 15000000);
	prices_add(&prices, "middle", 1000000, 1000000);
	spending_set_prices(&tenant, "money", &prices);
	assert_int_equal(reserve_model("", 1), 0);
	assert_int_equal(tenant.book->open[0].sum.micros, DEAREST);
	assert_int_equal(reserve_model("", 2), -1);
	assert_int_equal(reserve_model("dear", 2), 0);
	/* Cut off, and when its session ends, it counts so, and as one that nobody knows. */
	u.model = "";
	u.complete = false;
	settle(&u, 1);
	assert_int_equal(used("money", LIMIT_MONEY), DEAREST);
	assert_int_equal(reserve_in("other", "", 3), 0);
	spending_release_session(&tenant, "other", NULL, NULL);
	assert_int_equal(used("money", LIMIT_MONEY), 2 * DEAREST);
	settle_cut("", "", 4);
	assert_int_equal(reserve_model("", 5), -1);
	assert_non_null(strstr(refusal.message, "nobody knows what a request that does not begin"));
	assert_int_equal(refusal.retry, 3600);
}

/* Rates are prices, too. */
static void test_money_of_a_model_that_cannot_be_told_by_rates(void **state)
{
	struct price_list prices = prices_of("cheap", 1, 1);

	(void)state;
	spending_set_prices(&tenant, "money", &prices);
	settle_told("dear", "dear", 1, 100000);
	settle_told("free", "free", 2, 0);
	assert_int_equal(reserve_model("", 3), 0);
	assert_int_equal(tenant.book->open[0].sum.micros, (1001 + SPENDING_OUTPUT) * 10 + 1);
	assert_int_equal(reserve_model("", 4), -1);
}

/* Where every model has a price, the dearest is enough. */
static void test_money_of_a_model_that_cannot_be_told_of_known_ones(void **state)
{
	struct price_list prices = prices_of("*", 1, 1);
	struct use u = answered("money", 1000, 1000);
	uint64_t id = 1;

	(void)state;
	prices_add(&prices, "dear*", 3000000, 15000000);
	spending_set_prices(&tenant, "money", &prices);
	for (; id * DEAREST <= 1000000; id++)
		assert_int_equal(reserve_model("", id), 0);
	assert_int_equal(reserve_model("", id), -1);
	assert_non_null(strstr(refusal.message, "may use what is left"));
	/* Nor has an answer that tells no model the price of any. */
	u.model = "";
	settle(&u, 1);
	assert_int_equal(used("money", LIMIT_MONEY), 18000);
	u.complete = false;
	settle(&u, 2);
	assert_int_equal(used("money", LIMIT_MONEY), 18000 + DEAREST);
}

static void test_prices_found(void **state)
{
	struct price_list l = { .n = 3 };

	(void)state;
	strcpy(l.line[0].model, "a*");
	strcpy(l.line[1].model, "a-long*");
	strcpy(l.line[2].model, "a-long-one");
	assert_ptr_equal(price_list_find(&l, "a-long-one"), &l.line[2].prices);
	assert_ptr_equal(price_list_find(&l, "a-long-two"), &l.line[1].prices);
	assert_ptr_equal(price_list_find(&l, "a-b"), &l.line[0].prices);
	assert_null(price_list_find(&l, "b"));
	assert_null(price_list_find(NULL, "a"));
}

/* ---- the file ---- */

static void test_restart(void **state)
{
	struct use u = answered("tokens", 90000, 5000);

	(void)state;
	settle(&u, 1);
	spending_close(&tenant);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 95000);
	assert_int_equal(reserve("tokens", 2, 30000), -1);
	assert_int_equal(tenant.book->table.n, 1);
	assert_string_equal(tenant.book->table.row[0].project, "project");
	assert_int_equal(tenant.book->since, 1795867200);
	assert_int_equal(tenant.book->damaged, 0);
}

/* Killed between a request and its answer, the broker counts too much, not too little. */
static void test_crash(void **state)
{
	struct use u = answered("tokens", 100, 100);

	(void)state;
	assert_int_equal(reserve("tokens", 1, 3000), 0);
	settle(&u, 1);
	assert_int_equal(reserve("tokens", 2, 3000), 0);
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 200 + 1001 + SPENDING_OUTPUT);
	assert_int_equal(tenant.book->opens, 0);
	/* and once only */
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 200 + 1001 + SPENDING_OUTPUT);
}

static void file_change(long at, const char *bytes)
{
	char path[128];
	FILE *file;

	path_in(path, STORE_SPENDING);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	fputs(bytes, file);
	fclose(file);
}

static void test_damage(void **state)
{
	struct use u = answered("tokens", 1000, 0);
	char path[128];

	(void)state;
	settle(&u, 1);
	settle(&u, 2);
	settle(&u, 3);
	crash();
	/* in the last line: the two before it still count */
	file_change(-30, "7");
	assert_int_equal(used("tokens", LIMIT_TOKENS), 2000);
	assert_int_equal(tenant.book->damaged, 1795867200);
	path_in(path, STORE_SPENDING_DAMAGED);
	assert_int_equal(access(path, F_OK), 0);
	expect_logged("damaged");
	/* it goes on, and is not damaged any more */
	settle(&u, 4);
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 3000);
	assert_int_equal(tenant.book->damaged, 1795867200);
}

/* Its check is right, since who runs as the user can compute one: what no line may have is damage. */
static void test_text_that_no_line_has(void **state)
{
	static const char line[] = "rate\ttokens\tmo\fdel\t1\t1\t0\t0";
	struct use u = answered("tokens", 1000, 0);
	uint8_t hash[BLAKE2B_256_LEN];
	char path[128], hex[2 * sizeof(hash) + 1];
	FILE *file;

	(void)state;
	settle(&u, 1);
	crash();
	blake2b_256(hash, line, strlen(line), NULL, 0);
	hex_encode(hex, hash, sizeof(hash));
	path_in(path, STORE_SPENDING);
	file = fopen(path, "a");
	assert_non_null(file);
	fprintf(file, "%s\t%.16s\n", line, hex);
	fclose(file);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 1000);
	assert_true(tenant.book->damaged != 0);
	settle(&u, 2);
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 2000);
}

static void test_line_cut_short(void **state)
{
	struct use u = answered("tokens", 1000, 0);
	struct stat st;
	char path[128];

	(void)state;
	settle(&u, 1);
	settle(&u, 2);
	crash();
	path_in(path, STORE_SPENDING);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 5), 0);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 1000);
	assert_int_equal(tenant.book->damaged, 0);
	crash();
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 0);
	assert_true(tenant.book->damaged != 0);
}

/* While the broker runs, what it knows is what counts. */
static void test_file_removed(void **state)
{
	struct use u = answered("tokens", 1000, 0);
	char path[128];

	(void)state;
	settle(&u, 1);
	expect_logged("counting begins");
	path_in(path, STORE_SPENDING);
	assert_int_equal(unlink(path), 0);
	pass_time(10);
	settle(&u, 2);
	assert_int_equal(access(path, F_OK), 0);
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 2000);
	settle(&u, 3);
	assert_int_equal(truncate(path, 100), 0);
	pass_time(10);
	settle(&u, 4);
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 4000);
}

/* What cannot be written down before it goes out does not go out. */
static void test_full_disk(void **state)
{
	struct use u = answered("tokens", 1000, 0);
	struct rlimit old, small;

	(void)state;
	settle(&u, 1);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(reserve("tokens", 2, 3000), -1);
	assert_non_null(strstr(refusal.message, "cannot be counted"));
	assert_int_equal(reserve("free", 3, 3000), 0);
	/* What had gone out already counts in memory, */
	assert_int_equal(spending_settle(&tenant, &u, 4, NULL, NULL), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 2000);
	/* and in the file as soon as there is room. */
	assert_int_equal(reserve("tokens", 5, 3000), 0);
	settle(&u, 5);
	crash();
	assert_int_equal(used("tokens", LIMIT_TOKENS), 3000);
}

static void test_file_is_private(void **state)
{
	struct use u = answered("tokens", 1000, 0);
	struct stat st;
	char path[128];

	(void)state;
	settle(&u, 1);
	path_in(path, STORE_SPENDING);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* No number of requests, sessions or models makes it grow without end. */
static void test_bounded(void **state)
{
	struct use u = answered("free", 1, 1);
	char session[20], model[200], path[128];
	struct stat st;
	int i;

	(void)state;
	u.session = session;
	u.model = model;
	path_in(path, STORE_SPENDING);
	for (i = 0; i < 3 * SPENT_ROWS_MAX; i++) {
		snprintf(session, sizeof(session), "%016x", (unsigned)i);
		memset(model, 'm', 180);
		snprintf(model + (i & 1 ? 5 : 180), 16, "%d", i);
		settle(&u, 1);
		if (i % 1000 == 0)
			pass_time(86400);
	}
	assert_true(tenant.book->table.n <= SPENT_ROWS_MAX);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < LEDGER_MAX);
	crash();
	assert_non_null(spending_book(&tenant, NULL));
	assert_int_equal(tenant.book->damaged, 0);
	assert_int_equal(book_entry_find(tenant.book, "free")
					 ->counters.used[LIMIT_MONTH][LIMIT_REQUESTS] > 0,
			 1);
}

/* Names are whoever's who may add a key: they must not take the place of one with a limit. */
static void test_book_that_is_full(void **state)
{
	struct price_list none = { 0 };
	struct use u = answered("calls", 1000, 60000);
	char name[24];
	unsigned i;

	(void)state;
	assert_int_equal(reserve("calls", 1, 3000), 0);
	for (i = 0; i < BOOK_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "other-%u", i);
		spending_set_prices(&tenant, name, &none);
	}
	assert_int_equal(tenant.book->entries, BOOK_ENTRIES_MAX);
	settle(&u, 1);
	assert_int_equal(used("calls", LIMIT_TOKENS), 61000);
	/* Nothing that could not be counted goes out. */
	assert_int_equal(reserve("tokens", 2, 3000), -1);
	assert_non_null(strstr(refusal.message, "cannot be counted"));
	assert_int_equal(reserve("free", 3, 3000), 0);
}

static void test_sums_by_what_was_used(void **state)
{
	struct use u = answered("free", 10, 20);
	struct spent_table *t;

	(void)state;
	settle(&u, 1);
	settle(&u, 2);
	u.model = "other\tmodel\n\xc3\xa9";
	u.project = "caf\xc3\xa9\tbar";
	settle(&u, 3);
	pass_time(86400);
	settle(&u, 4);
	t = &tenant.book->table;
	assert_int_equal(t->n, 3);
	assert_int_equal(t->row[0].day, 20261128);
	assert_int_equal(t->row[0].requests, 2);
	assert_int_equal(t->row[0].tokens[TOKENS_OUTPUT], 40);
	assert_string_equal(t->row[1].model, "other?model???");
	assert_string_equal(t->row[1].project, "caf\xc3\xa9?bar");
	assert_int_equal(t->row[2].day, 20261129);
	crash();
	assert_non_null(spending_book(&tenant, NULL));
	assert_int_equal(tenant.book->table.n, 3);
	assert_int_equal(tenant.book->damaged, 0);
}

static void test_rename(void **state)
{
	struct use u = answered("tokens", 90000, 0);

	(void)state;
	settle(&u, 1);
	seal_limit("new", "limit=100k/day");
	spending_rename(&tenant, "tokens", "new");
	assert_int_equal(reserve("new", 2, 30000), -1);
	crash();
	assert_int_equal(used("new", LIMIT_TOKENS), 90000);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 0);
	assert_string_equal(tenant.book->table.row[0].entry, "new");
	/* what one of that name used before is no longer its own */
	spending_rename(&tenant, "tokens", "new");
	crash();
	assert_int_equal(used("new", LIMIT_TOKENS), 0);
	assert_int_equal(used("tokens", LIMIT_TOKENS), 90000);
	assert_string_equal(tenant.book->table.row[0].entry, "tokens");
}

/* ---- clocks and locks ---- */

static void test_clock_is_set(void **state)
{
	struct use u = answered("tokens", 90000, 5000);

	(void)state;
	settle(&u, 1);
	wall += 40 * 86400;
	assert_int_equal(reserve("tokens", 2, 30000), 0);
	expect_logged("the clock was set forward by 3456000 seconds");
	settle(&u, 2);
	wall -= 40 * 86400;
	assert_int_equal(reserve("tokens", 3, 30000), -1);
	expect_logged("the clock was set back by 3456000 seconds");
}

static void test_locked(void **state)
{
	struct use u = answered("tokens", 10, 0);
	struct vault *v = tenant.vault;

	(void)state;
	tenant.vault = NULL;
	assert_true(spending_limited(&tenant, "tokens"));
	assert_int_equal(reserve("tokens", 1, 3000), -1);
	assert_non_null(strstr(refusal.message, "locked"));
	/* What was under way still counts. */
	settle(&u, 1);
	tenant.vault = v;
	assert_int_equal(used("tokens", LIMIT_TOKENS), 10);
}

#define S(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S(test_limited),
		S(test_without_a_limit),
		S(test_tokens),
		S(test_parallel_requests),
		S(test_requests),
		S(test_unbilled),
		S(test_cut_off),
		S(test_session_ends),
		S(test_session_ends_in_an_answer),
		S(test_what_passed_counts_before_the_end),
		S(test_money_by_price),
		S(test_cut_off_without_a_stream),
		S(test_money_that_passed_counts_before_the_end),
		S(test_money_by_the_provider),
		S(test_money_of_a_model_by_its_own_answers),
		S(test_money_of_a_model_by_anothers_name),
		S(test_money_of_a_model_without_a_name),
		S(test_money_of_many_models),
		S(test_money_that_nobody_knows),
		S(test_money_that_nobody_knows_goes_out_once),
		S(test_what_nobody_knows_the_price_of_without_money),
		S(test_bodies_of_unknown_length_at_once),
		S(test_money_of_a_model_that_cannot_be_told),
		S(test_money_of_a_model_that_cannot_be_told_by_rates),
		S(test_money_of_a_model_that_cannot_be_told_of_known_ones),
		S(test_prices_found),
		S(test_restart),
		S(test_crash),
		S(test_damage),
		S(test_text_that_no_line_has),
		S(test_line_cut_short),
		S(test_file_removed),
		S(test_full_disk),
		S(test_file_is_private),
		S(test_bounded),
		S(test_book_that_is_full),
		S(test_sums_by_what_was_used),
		S(test_rename),
		S(test_clock_is_set),
		S(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
