/*
 * helpers/usage/answer.h - parse a vendor's answer into a result.
 *
 * An answer is untrusted.  A member that is missing, has another type or is out of
 * its bounds is an error; nothing is guessed.
 */
#ifndef HELPERS_USAGE_ANSWER_H
#define HELPERS_USAGE_ANSWER_H

#include <stddef.h>

#include "helpers/usage/usage_result.h"

struct json_t;
struct usage_kind;

#define ANSWER_LIST_MAX 64 /* items of a list in an answer; a longer list is an error */

/*
 * Parse the n bytes at body, the body of a response with status 200, as an answer of
 * this kind.  host: whom we asked.  out must be zero; out->error is always set, and
 * without USAGE_DONE out has no items.
 */
void answer_parse(const struct usage_kind *kind, const char *host, const char *body, size_t n,
		  struct usage_result *out);

/*
 * For parsers: add the balance at data's member key to out, in the currency of the
 * vendor's host.
 */
enum usage_error answer_add_balance(const struct json_t *data, const char *key, const char *host,
				    struct usage_result *out);

#endif
