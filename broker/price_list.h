/*
 * broker/price_list.h - the prices of an entry's models, as the provider's file has them.
 */
#ifndef BROKER_PRICE_LIST_H
#define BROKER_PRICE_LIST_H

#include "wire/limits.h"
#include "wire/prices.h"
#include "wire/unpack.h"

struct failure;

struct price_list {
	struct price_line line[PRICE_LINES_MAX];
	unsigned n;
	char digest[SEAL_DIGEST_HEX + 1]; /* of their prices_sealed_text; "": there are none */
};

/* Read the array "prices" of a request, which may be absent, and note its digest: what is compared
 * with a seal is what is counted by.  0, or -1 with
 * FAIL_BAD_VALUE, FAIL_WRONG_TYPE or FAIL_TOO_LARGE. */
int price_list_read(struct price_list *l, struct wire_map m, struct failure *f);

/* The prices of a model: its own line's, else those of the longest name with a '*' that
 * it begins with.  NULL: there are none.  l may be NULL. */
const struct prices *price_list_find(const struct price_list *l, const char *model);

#endif
