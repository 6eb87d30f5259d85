/*
 * client/models.c - ccctl models: what a provider's server says it has.
 */
#include <stdio.h>

#include "base/fail.h"
#include "client/common/connection.h"
#include "client/common/models.h"
#include "client/common/options.h"
#include "client/common/output.h"
#include "client/verbs.h"
#include "config/provider/provider.h"
#include "json/output.h"

static int models_print_json(const char *word, const struct model_list *l, struct failure *f)
{
	struct json_t *o = js_object(), *names = js_array();
	unsigned i;

	js_text(o, "provider", word);
	for (i = 0; i < l->n; i++)
		js_append_text(names, l->name[i]);
	js_put(o, "models", names);
	return js_print(o, f);
}

int verb_models(struct client *c, int argc, char **argv, struct failure *f)
{
	char name[NAME_MAX_LEN + 1], mode[NAME_MAX_LEN + 1];
	struct model_list list;
	struct provider *p;
	bool json = false;
	unsigned i;
	int r = 0;

	(void)c;
	if (json_option(argc, argv, &json, f) != 0 || require_words(argc, argv, 1, f) != 0 ||
	    split_provider(argv[optind], name, mode, f) != 0 ||
	    provider_load(name, mode, &p, f) != 0)
		return -1;
	provider_free(p);
	if (model_list_fetch(argv[optind], false, &list, f) != 0)
		return -1;
	if (json)
		r = models_print_json(argv[optind], &list, f);
	for (i = 0; !json && i < list.n; i++) {
		put_foreign(list.name[i]);
		putchar('\n');
	}
	if (list.n == 0)
		say("the server has no model yet");
	model_list_free(&list);
	return r == 0 ? EXIT_DONE : -1;
}
