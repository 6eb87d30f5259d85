/*
 * client/common/models.c - the models that a provider's server says it has.
 */
#include "client/common/models.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "client/common/asking.h"

#define LIST_BYTES (1u << 20)
#define NAMES_MAX 4000 /* as ccrun-ask prints at most */

/* Cut the text, of n bytes, into its lines. */
static void list_split(struct model_list *l, size_t n)
{
	char *p = l->text, *end;

	while (l->n < NAMES_MAX && (end = memchr(p, '\n', n - (size_t)(p - l->text)))) {
		*end = '\0';
		if (end > p)
			l->name[l->n++] = p;
		p = end + 1;
	}
}

int model_list_fetch(const char *word, bool quiet, struct model_list *out, struct failure *f)
{
	const char *argv[] = { "ccrun", "--models", word, NULL };
	int status = -1;
	long n;

	memset(out, 0, sizeof(*out));
	out->text = malloc(LIST_BYTES);
	out->name = calloc(NAMES_MAX, sizeof(*out->name));
	if (!out->text || !out->name) {
		fail_set(f, FAIL_NO_MEMORY, NULL, "no memory for the list");
		goto bad;
	}
	n = ccrun_ask(argv, quiet, out->text, LIST_BYTES, &status, f);
	if (n >= 0 && status == 0) {
		list_split(out, (size_t)n);
		return 0;
	}
	if (n >= 0)
		fail_set(f, FAIL_PROGRAM, NULL, "there is no list of %s's models", word);
bad:
	model_list_free(out);
	return -1;
}

void model_list_free(struct model_list *l)
{
	free(l->text);
	free(l->name);
	memset(l, 0, sizeof(*l));
}
