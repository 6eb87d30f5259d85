/*
 * relay/request_model.h - which model a request asks for, as far as the beginning of its body
 * tells, before any of it goes out.
 *
 * A request has a member "model" at its top, as an answer has; the client writes it first.
 */
#ifndef RELAY_REQUEST_MODEL_H
#define RELAY_REQUEST_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/buffer.h"
#include "relay/http_chunks.h"
#include "relay/http_request.h"
#include "relay/json_lexer.h"

#define REQUEST_MODEL_SIZE (JSON_LEXER_TEXT_MAX + 1)

/* The search's own. */
struct request_model {
	struct json_lexer lexer;
	struct http_chunks chunks;
	size_t at;     /* bytes behind the head that were looked through */
	bool is_model; /* what comes next */
	bool over;
};

void request_model_start(struct request_model *s);

/*
 * Look through what has come since of q, which in->p has from its first byte, for as long as
 * nothing of it was taken.  False: what is to come may tell, and there is room for it.  True:
 * `model` has it, or "" where it cannot be told from what there is room for; so it stays.
 */
bool request_model_find(struct request_model *s, const struct http_request *q,
			const struct buffer *in, char model[REQUEST_MODEL_SIZE]);

#endif
