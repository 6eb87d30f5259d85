/*
 * broker/price_list.c - the prices of an entry's models.
 */
#include "broker/price_list.h"

#include <string.h>

#include "base/fail.h"
#include "vault/crypto.h"

static int price_read(struct prices *p, struct wire_map m, struct failure *f)
{
	const char *key;
	int i;

	for (i = 0; i < TOKEN_KINDS; i++) {
		key = token_kind_name((enum token_kind)i);
		p->known[i] = wire_has(m, key);
		if (!p->known[i])
			continue;
		if (wire_get_uint(m, key, &p->per_million[i], f) != 0)
			return -1;
		if (p->per_million[i] > PRICE_MAX)
			return fail_set(f, FAIL_BAD_VALUE, NULL,
					"a price is over 10000 dollars per million tokens");
	}
	return 0;
}

/* A name with a blank or a newline could make two lists one text. */
static int price_read_model(char out[PRICE_MODEL], struct wire_map m, struct failure *f)
{
	if (wire_get_text(m, "model", out, PRICE_MODEL, f) != 0)
		return -1;
	return price_model_ok(out) ? 0
				   : fail_set(f, FAIL_BAD_VALUE, NULL,
					      "a price has a model that is no name of one");
}

int price_list_read(struct price_list *l, struct wire_map m, struct failure *f)
{
	char text[PRICES_SEALED_MAX + 1];
	struct wire_map item;
	unsigned i, n = 0;
	size_t used;

	memset(l, 0, sizeof(*l));
	if (wire_has(m, "prices") && wire_get_array(m, "prices", &n, f) != 0)
		return -1;
	if (n > PRICE_LINES_MAX)
		return fail_set(f, FAIL_TOO_LARGE, NULL, "more than %d prices", PRICE_LINES_MAX);
	for (i = 0; i < n; i++)
		if (wire_get_item(m, "prices", i, &item, f) != 0 ||
		    price_read_model(l->line[i].model, item, f) != 0 ||
		    price_read(&l->line[i].prices, item, f) != 0)
			return -1;
	l->n = n;
	used = prices_sealed_text(l->line, n, text);
	if (used > 0)
		seal_digest(l->digest, text, used);
	return 0;
}

const struct prices *price_list_find(const struct price_list *l, const char *model)
{
	const struct prices *found = NULL;
	size_t n, longest = 0;
	unsigned i;

	for (i = 0; l && i < l->n; i++) {
		const char *name = l->line[i].model;

		if (strcmp(name, model) == 0)
			return &l->line[i].prices;
		n = strlen(name);
		if (n > longest && name[n - 1] == '*' && strncmp(name, model, n - 1) == 0) {
			longest = n;
			found = &l->line[i].prices;
		}
	}
	return found;
}
