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
struct kind;
struct numbers;

/* One answer's parser: root is an object; host is whom we asked.  Returns an
 * enum usage_error, with out filled on USAGE_DONE. */
typedef int answer_parser(const struct json_t *root, const char *host, struct numbers *out);

answer_parser answer_openrouter, answer_zai, answer_deepseek, answer_moonshot, answer_minimax,
	answer_siliconflow, answer_subscription;

/* Parse n bytes of a 200's body.  out->error is set in every case. */
void answer_read(const struct kind *kind, const char *host, const char *body, size_t n,
		 struct numbers *out);

#endif
