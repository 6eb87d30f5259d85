/*
 * base/money.h - amounts of dollars as people write them, kept exactly.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONEY_DOLLAR UINT64_C(1000000) /* in micro-dollars, the unit of all amounts */
#define MONEY_TEXT 28		       /* bytes of the longest text, with its NUL */

/*
 * Are the n bytes at text dollars: digits, and maybe a point and one to six digits (3,
 * 0.30, 15.00; no sign, no blank, no leading zero before another digit)?  *out is the
 * amount, and unchanged when they are not, or it is more than most.
 */
bool money_parse(const char *text, size_t n, uint64_t most, uint64_t *out);

/* Whole dollars without a point, else with two digits behind it, or as many as it takes. */
void money_format(uint64_t micros, char out[MONEY_TEXT]);

#endif
