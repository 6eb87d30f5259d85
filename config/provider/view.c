/*
 * config/provider/view.c - looking keys up through the layers of a provider.
 */
#include "config/provider/view.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

void view_section_name(const struct layer_section *s, const char *part, char *out)
{
	if (!s->mode)
		snprintf(out, VIEW_SECTION_NAME, "%s", part);
	else if (strcmp(part, "provider") == 0)
		snprintf(out, VIEW_SECTION_NAME, "mode %s", s->mode);
	else
		snprintf(out, VIEW_SECTION_NAME, "mode %s %s", s->mode, part);
}

static bool chain_is_users(const struct chain *c, const struct ini_file *file)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (c->layer[i].users && c->layer[i].file == file)
			return true;
	return false;
}

bool view_is_users(const struct view *v, const struct ini_file *file)
{
	return chain_is_users(&v->own, file) || chain_is_users(&v->other, file);
}

const struct ini_item *view_get(const struct view *v, const char *part, const char *key,
				const struct layer_section **from)
{
	char section[VIEW_SECTION_NAME];
	const struct ini_item *it;
	unsigned i;

	for (i = v->n; i-- > 0;) {
		view_section_name(&v->section[i], part, section);
		it = ini_file_get(v->section[i].file, section, key);
		if (!it)
			continue;
		if (from)
			*from = &v->section[i];
		return it->value[0] ? it : NULL;
	}
	return NULL;
}

/* Put the item in the place of its key in out.  Returns the new count; max + 1: full. */
static unsigned view_place_item(const struct ini_item **out, unsigned n, unsigned max,
				const struct ini_item *it)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (strcmp(out[i]->key, it->key) == 0) {
			out[i] = it;
			return n;
		}
	if (n < max)
		out[n] = it;
	return n + 1;
}

int view_items(const struct view *v, unsigned first, const char *part, const struct ini_item **out,
	       unsigned max, struct failure *f)
{
	char section[VIEW_SECTION_NAME];
	const struct ini_file *file;
	unsigned i, k, n = 0, kept = 0;

	for (i = first; i < v->n; i++) {
		view_section_name(&v->section[i], part, section);
		file = v->section[i].file;
		for (k = 0; k < file->items; k++) {
			if (!file->item[k].key || strcmp(file->item[k].section, section) != 0)
				continue;
			n = view_place_item(out, n, max, &file->item[k]);
			if (n > max)
				return ini_fail(f, &file->item[k], NULL,
						"more than %u keys in [%s]", max, section);
		}
	}
	for (i = 0; i < n; i++)
		if (out[i]->value[0])
			out[kept++] = out[i];
	return (int)kept;
}
