/*
 * client/common/seals_meaning.h - what a sealed value means to a person: which one allows more,
 * why that matters, and who says it.
 */
#ifndef CLIENT_COMMON_SEALS_MEANING_H
#define CLIENT_COMMON_SEALS_MEANING_H

#include <stdbool.h>
#include "wire/policy.h"

struct provider;

/* What a policy's key allows when it allows more, as a sentence; NULL: it never does. */
const char *seal_meaning(const char *key);

/* Does value i of p allow more than that of `than`? */
bool seal_allows_more(const struct policy *p, const struct policy *than, unsigned i);

/* Says one line for people; a format of its own, so that say() is one. */
typedef void seal_line_fn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Who says which certificate authorities, and through whose hands the key goes then: a session that
 * plants both in a settings file is given a yes more easily where nobody is told.
 */
void seal_say_network(const struct provider *p, seal_line_fn *line);

/* The prices of p, each with its file, and what they decide. */
void seal_say_prices(const struct provider *p, seal_line_fn *line);

/* A policy's value for people; "none" for none. */
void seal_value_text(const struct policy *p, unsigned i, char out[POLICY_VALUE]);

#endif
