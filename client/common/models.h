/*
 * client/common/models.h - the models that a provider's server says it has.
 */
#ifndef CLIENT_COMMON_MODELS_H
#define CLIENT_COMMON_MODELS_H

#include <stdbool.h>
#include <stddef.h>

struct failure;
struct provider;

struct model_list {
	char *text;	   /* the names, each with a NUL behind it */
	const char **name; /* pointers into it; not cleaned for a terminal */
	unsigned n;
};

/*
 * Have `ccrun --models WORD` ask the server of a provider (NAME[:MODE]), by relay where it wants a
 * key, so that no key comes here.  quiet: without its messages and its questions.
 * 0 with *out (model_list_free), or -1; unless quiet, ccrun has said why then.
 */
int model_list_fetch(const char *word, bool quiet, struct model_list *out, struct failure *f);
void model_list_free(struct model_list *l);

#endif
