/*
 * helpers/usage/answer_parsers.h - the parser of each vendor's answer.  The function
 * answer_VENDOR is in answer_VENDOR.c.
 *
 * The formats are from the vendors' documentation and from other tools; none was
 * checked with a real key.
 */
#ifndef HELPERS_USAGE_ANSWER_PARSERS_H
#define HELPERS_USAGE_ANSWER_PARSERS_H

#include "helpers/usage/usage_result.h"

struct json_t;

/*
 * Parse one answer.  root: a JSON object from the vendor.  host: which of the vendor's
 * hosts was asked.  On USAGE_DONE items were added to out.
 */
typedef enum usage_error answer_parser(const struct json_t *root, const char *host,
				       struct usage_result *out);

answer_parser answer_anthropic;
answer_parser answer_deepseek;
answer_parser answer_minimax;
answer_parser answer_moonshot;
answer_parser answer_openrouter;
answer_parser answer_siliconflow;
answer_parser answer_zai;

#endif
