/*
 * helpers/ask/models_answer.h - the names of models in a server's answer.
 */
#ifndef HELPERS_ASK_MODELS_ANSWER_H
#define HELPERS_ASK_MODELS_ANSWER_H

#include <stddef.h>

#define MODELS_MAX 4000	   /* names of one answer; the largest gateway has some hundreds */
#define MODEL_NAME_MAX 200 /* bytes */

typedef void models_take(const char *name, void *arg);

/*
 * Give take the names in n bytes of JSON, one by one: {"data": [{"id": ...}]} as the Messages API and
 * OpenAI's have it, {"models": [{"name": ...}]} as Ollama's own.  One that is no line (a control
 * character, longer than MODEL_NAME_MAX) is left out, and so is all beyond MODELS_MAX.
 * Their number, or -1: it is no such answer.
 */
int models_answer_each(const char *body, size_t n, models_take *take, void *arg);

#endif
