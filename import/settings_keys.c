/*
 * import/settings_keys.c - keys among the settings beside a token.
 */
#include "import/settings_keys.h"

#include <string.h>

#include "import/secret_fragments.h"

static void list_drop_keys(const struct import *im, struct provider_settings *l)
{
	unsigned i, kept = 0;
	size_t n;

	if (!l->set)
		return;
	for (i = 0; i < l->n; i++) {
		n = strlen(l->set[i].value);
		if (fragment_next(im, FRAGMENTS_FOUND, l->set[i].value, 0, n).at == n)
			l->set[kept++] = l->set[i];
	}
	explicit_bzero(l->set + kept, (l->n - kept) * sizeof(*l->set));
	l->n = kept;
}

void settings_drop_keys(struct import *im)
{
	unsigned i, k;

	for (i = 0; i < im->accounts; i++) {
		list_drop_keys(im, &im->account[i].list);
		for (k = 0; k < im->account[i].modes; k++)
			list_drop_keys(im, &im->account[i].mode[k].list);
	}
}
