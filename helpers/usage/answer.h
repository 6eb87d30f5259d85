/*
 * helpers/usage/answer.h - from a vendor's answer to numbers.
 *
 * Every answer is hostile: what is not there, of another type or out of bounds
 * is an error, never a guess.  No answer is known from a call of ours; the
 * shapes are from the vendors' pages and other tools.
 */
#ifndef HELPERS_USAGE_ANSWER_H
#define HELPERS_USAGE_ANSWER_H

#include <stddef.h>

struct json_t;
struct usage_kind;
struct usage_result;

/* One answer's parser: root is an object; host is whom we asked.  Returns an
 * enum usage_error, with out filled on USAGE_DONE. */
typedef int answer_parser(const struct json_t *root, const char *host, struct usage_result *out);

answer_parser answer_openrouter, answer_zai, answer_deepseek, answer_moonshot, answer_minimax,
	answer_siliconflow, answer_anthropic;

/* Parse n bytes of a 200's body.  out->error is set in every case. */
void answer_parse(const struct usage_kind *kind, const char *host, const char *body, size_t n,
		 struct usage_result *out);

#endif
