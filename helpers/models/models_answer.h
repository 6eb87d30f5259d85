/*
 * helpers/models/models_answer.h - the names of models in a server's answer.
 */
#ifndef HELPERS_MODELS_MODELS_ANSWER_H
#define HELPERS_MODELS_MODELS_ANSWER_H

#include <stddef.h>
#include <stdio.h>

#define MODELS_MAX 4000	   /* names of one answer; the largest gateway has some hundreds */
#define MODEL_NAME_MAX 200 /* bytes */

/*
 * Print the names in n bytes of JSON, a line each: {"data": [{"id": ...}]} as the Messages API and
 * OpenAI's have it, {"models": [{"name": ...}]} as Ollama's own.  One that is no line (a control
 * character, longer than MODEL_NAME_MAX) is left out, and so is all beyond MODELS_MAX.
 * Their number, or -1: it is no such answer.
 */
int models_answer_print(const char *body, size_t n, FILE *to);

#endif
