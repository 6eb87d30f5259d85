/*
 * wire/tokens.h - how many tokens an answer of a provider cost, by kind, as a provider
 * bills them.
 */
#ifndef WIRE_TOKENS_H
#define WIRE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

enum token_kind {
	TOKENS_INPUT, /* without those of the two cache kinds */
	TOKENS_OUTPUT,
	TOKENS_CACHE_WRITE,
	TOKENS_CACHE_READ,
	TOKEN_KINDS
};

struct token_counts {
	uint64_t n[TOKEN_KINDS]; /* where it is not known, 0 or a lower bound */
	bool known[TOKEN_KINDS];
};

#endif
