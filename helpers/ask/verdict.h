/*
 * helpers/ask/verdict.h - what an answer of the Messages API, or of what stands in its place,
 * says about provider, key and model.
 */
#ifndef HELPERS_ASK_VERDICT_H
#define HELPERS_ASK_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "helpers/ask/question.h"
#include "wire/trial.h"

#define SLOW_MS 5000u /* for one token */

struct verdict {
	enum trial outcome;
	char words[ANSWER_WORDS_MAX]; /* of who answered, in one line; or "" */
	char model[256];	      /* of the answer, or "" */
	bool counted;
	uint64_t input, output; /* tokens, if counted */
	bool wants_more;	/* so few tokens are not to be had */
};

/* Judge it.  model: what was asked for. */
void verdict_of_answer(const struct answer *a, const char *model, struct verdict *out);

#endif
