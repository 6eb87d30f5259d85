/*
 * helpers/usage/usage_result.h - the result of a fetch: items of a quota, or an error.
 *
 * A struct of fixed size: the sandboxed child, which reads untrusted bytes, sends it
 * over a socket to the worker, which talks to the broker.
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
#define RETRY_MAX 21600	    /* seconds; a server's longer Retry-After is cut to this */

enum usage_error {
	USAGE_DONE,
	USAGE_UNAUTHORIZED,
	USAGE_RATE_LIMITED,
	USAGE_NETWORK,
	USAGE_TLS,
	USAGE_TIMEOUT,
	USAGE_ANSWER,	/* not in the documented format */
	USAGE_REDIRECT, /* redirects are not followed */
	USAGE_TOO_LARGE,
	USAGE_MISSING, /* no key, or no address to ask */
	USAGE_ERRORS
};

struct usage_item {
	char label[LABEL_LEN + 1];
	uint32_t has_percent;		 /* 0 or 1; no bool: a hostile child could send a 2 */
	uint32_t percent;		 /* used, in hundredths of a percent */
	char amount[AMOUNT_LEN + 1];	 /* "" for none */
	char currency[CURRENCY_LEN + 1]; /* "" for none */
	uint64_t reset;			 /* seconds since the epoch, 0 for none */
};

struct usage_result {
	uint32_t error; /* enum usage_error */
	uint32_t retry; /* seconds that the server asked for, 0 for none */
	uint32_t asked; /* 1: a request was sent, or at least tried */
	uint32_t count;
	struct usage_item item[ITEMS_MAX];
};

/* An error's name on the wire; NULL for USAGE_DONE and invalid values. */
const char *usage_error_name(uint32_t error);

/* The error of that name; USAGE_ANSWER for one that is none. */
uint32_t usage_error_find(const char *name);

/* What an HTTP status says; USAGE_DONE for 200 alone. */
enum usage_error usage_error_of_status(long status);

/*
 * Check a result from the child: every text ends with a NUL and has only allowed
 * characters, every number is within its bounds.
 */
bool usage_result_valid(const struct usage_result *n);

/* Add an item with this label and return it; NULL if there is no room. */
struct usage_item *usage_result_add(struct usage_result *n, const char *label);

/*
 * Set the percentage used (0 to 10000), or an amount of money and its currency's code.
 * 0, or -1 if the number is out of bounds or not a number.
 */
int usage_item_set_percent(struct usage_item *n, double percent);
int usage_item_set_amount(struct usage_item *n, double amount, const char *currency);

#endif
