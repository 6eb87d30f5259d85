/*
 * wire/limit_text.h - the text of a limit: how much of an entry may be used in an hour, a
 * day, a week or a month.
 */
#ifndef WIRE_LIMIT_TEXT_H
#define WIRE_LIMIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

enum limit_kind { LIMIT_TOKENS, LIMIT_MONEY, LIMIT_REQUESTS, LIMIT_KINDS };
enum limit_period { LIMIT_HOUR, LIMIT_DAY, LIMIT_WEEK, LIMIT_MONTH, LIMIT_PERIODS };

/* The highest limits: tokens, micro-dollars, requests. */
#define LIMIT_TOKENS_MAX UINT64_C(1000000000000)
#define LIMIT_MONEY_MAX UINT64_C(1000000000000)
#define LIMIT_REQUESTS_MAX UINT64_C(1000000000)
#define LIMIT_TEXT 64 /* bytes of the longest text, with its NUL */

struct limit {
	struct {
		uint64_t most; /* tokens, micro-dollars, requests; 0 for no limit */
		enum limit_period per;
	} of[LIMIT_KINDS];
};

/*
 * Read a limit, as a person types it and as it is sealed: "off", or tokens (500k/hour,
 * 1.5M/day: whole thousands), money ($0.50/hour) and requests (200/month), each at most
 * once, in any order, with one blank between them.  -1 with FAIL_BAD_VALUE, which says
 * what is wrong, and *l unchanged.
 */
int limit_parse(struct limit *l, const char *text, struct failure *f);

/* The one text of a limit, which limit_parse reads as the same again. */
void limit_format(const struct limit *l, char out[LIMIT_TEXT]);

/* The same for a person, who is to see what each number counts: "5M tokens a day, 200 requests
 * an hour"; "off" without one. */
#define LIMIT_WORDS 128 /* bytes of the longest, with its NUL */
void limit_describe(const struct limit *l, char out[LIMIT_WORDS]);

/* How much of a kind was used, short: 98k, 1.24M, $3.10, 12.  Rounded up, so that nothing
 * seems to be left where nothing is. */
#define LIMIT_AMOUNT 32 /* bytes of the longest, with its NUL */
void limit_format_amount(enum limit_kind kind, uint64_t n, char out[LIMIT_AMOUNT]);

/* "hour", "day", "week", "month". */
const char *limit_period_name(enum limit_period per);

/* Does it limit anything? */
bool limit_is_set(const struct limit *l);

/*
 * Does `to` allow anything that `from` does not?  Each kind by itself: no limit, another
 * period or a higher number allows more.  (A month's limit in place of a day's may be
 * tighter in the end, and may not: that is for a person to say.)
 */
bool limit_loosens(const struct limit *from, const struct limit *to);

#endif
