/*
 * helpers/usage/usage_result.h - what a fetch comes to: numbers, or one of a few
 * words.  A fixed struct, as it crosses the pipe between the process that reads
 * hostile bytes and the one that talks to the broker.
 */
#ifndef HELPERS_USAGE_USAGE_RESULT_H
#define HELPERS_USAGE_USAGE_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#define ITEMS_MAX 8
#define LABEL_LEN 8
#define AMOUNT_LEN 16
#define CURRENCY_LEN 8
#define PERCENT_MAX 1000000 /* hundredths of a percent */
#define RETRY_MAX 21600	    /* seconds: whatever a server says, within a day of work we ask again */

enum usage_error {
	USAGE_DONE,
	USAGE_UNAUTHORIZED,
	USAGE_RATE_LIMITED,
	USAGE_NETWORK,
	USAGE_TLS,
	USAGE_TIMEOUT,
	USAGE_ANSWER,	 /* not what is documented */
	USAGE_REDIRECT,	 /* not followed */
	USAGE_TOO_LARGE,
	USAGE_MISSING,	 /* there is nothing to ask with, or nobody to ask */
	USAGE_ERRORS
};

struct usage_item {
	char label[LABEL_LEN + 1];
	uint32_t has_percent;		 /* 0 or 1 (no bool: what is not one is no value at all) */
	uint32_t percent;		 /* hundredths, used */
	char amount[AMOUNT_LEN + 1];	 /* "" for none */
	char currency[CURRENCY_LEN + 1]; /* "" for none */
	uint64_t reset;			 /* seconds since the epoch, 0 for none */
};

struct usage_result {
	uint32_t error; /* enum usage_error */
	uint32_t retry; /* seconds that the server asked for, 0 for none */
	uint32_t asked; /* 1: a server was asked, or would have answered */
	uint32_t count;
	struct usage_item item[ITEMS_MAX];
};

/* The wire's word; NULL for USAGE_DONE and whatever is none. */
const char *usage_error_name(uint32_t error);

/*
 * Is this what numbers can be?  Asked of everything that came through the pipe:
 * every text ended and of its alphabet, every number in its bounds.
 */
bool usage_result_valid(const struct usage_result *n);

/* Add an item and return it; NULL when there is no room. */
struct usage_item *usage_result_add(struct usage_result *n, const char *label);

/* Percent used (0..10000) and an amount of money, from a checked double.  0 or -1. */
int usage_item_set_percent(struct usage_item *n, double percent);
int usage_item_set_amount(struct usage_item *n, double amount, const char *currency);

#endif
