/*
 * relay/request_model.c - the model in the beginning of a request's body.
 */
#include "relay/request_model.h"

#include <string.h>

#include "base/io.h"

#define DEPTH_TOP 1

void request_model_start(struct request_model *s)
{
	memset(s, 0, sizeof(*s));
	json_lexer_start(&s->lexer);
	http_chunks_init(&s->chunks);
}

static void model_read_key(struct request_model *s)
{
	const char *name = json_lexer_text(&s->lexer);

	s->is_model = name && s->lexer.depth == DEPTH_TOP && strcmp(name, "model") == 0;
	s->lexer.keep = s->is_model;
}

/* The first one: a second one is refused when it is taken. */
static void model_read_value(struct request_model *s, enum json_token token, char *model)
{
	const char *text = json_lexer_text(&s->lexer);

	if (s->is_model && token == JSON_TOKEN_STRING && text && !strchr(text, ' '))
		memcpy(model, text, strlen(text) + 1);
	s->is_model = false;
	s->lexer.keep = json_lexer_awaits_key(&s->lexer);
}

static void model_read(struct request_model *s, const char *p, size_t n, char *model)
{
	const uint8_t *at = (const uint8_t *)p, *end = at + n;
	enum json_token token;

	while (!s->over && (token = json_lexer_next(&s->lexer, &at, end)) != JSON_TOKEN_NONE) {
		if (token == JSON_TOKEN_KEY)
			model_read_key(s);
		else
			model_read_value(s, token, model);
		s->over = model[0] || token == JSON_TOKEN_BAD || json_lexer_complete(&s->lexer);
	}
}

/* Returns whether the body ends with what has come. */
static bool model_read_plain(struct request_model *s, const char *body, size_t n, uint64_t length,
			     char *model)
{
	if (n > length)
		n = (size_t)length;
	model_read(s, body + s->at, n - s->at, model);
	s->at = n;
	return n == length;
}

/* Likewise; also of what is refused when it is taken. */
static bool model_read_chunks(struct request_model *s, const char *body, size_t n, char *model)
{
	enum http_chunks_outcome outcome = HTTP_CHUNKS_MORE;
	struct http_view data;
	size_t used;

	while (outcome == HTTP_CHUNKS_MORE && s->at < n) {
		outcome = http_chunks_read(&s->chunks, body + s->at, n - s->at, &used, &data);
		model_read(s, data.p, data.n, model);
		s->at += used;
	}
	return outcome != HTTP_CHUNKS_MORE;
}

bool request_model_find(struct request_model *s, const struct http_request *q,
			const struct buffer *in, char model[REQUEST_MODEL_SIZE])
{
	const char *body = in->p + q->head_size;
	size_t n = in->to - q->head_size;
	bool ended = true;

	if (s->over)
		return true;
	if (q->framing == HTTP_BODY_LENGTH)
		ended = model_read_plain(s, body, n, q->length, model);
	else if (q->framing == HTTP_BODY_CHUNKED)
		ended = model_read_chunks(s, body, n, model);
	s->over = s->over || ended || buffer_room(in) == 0;
	if (s->over)
		io_wipe(&s->lexer, sizeof(s->lexer));
	return s->over;
}
