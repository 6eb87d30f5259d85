/*
 * relay/meter_numbers.h - a number of JSON as tokens, or as dollars.
 */
#ifndef RELAY_METER_NUMBERS_H
#define RELAY_METER_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * text: a number in JSON's notation, which the lexer has checked, NUL-terminated.  False,
 * and *out is of no use, when it is no whole number of tokens, or over METER_TOKENS_MAX.
 */
bool meter_tokens_parse(const char *text, uint64_t *out);

/* The same as dollars, in millionths, rounded up.  False: negative, or over METER_COST_MAX. */
bool meter_cost_parse(const char *text, uint64_t *out);

#endif
