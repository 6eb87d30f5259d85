/*
 * config/provider/layers.c - finding the files of a provider and stacking them.
 */
#include "config/provider/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/paths.h"
#include "config/provider/dir.h"
#include "config/provider/names.h"
#include "config/provider/provider.h"
#include "config/provider/schema.h"
#include "wire/names.h"

/* Read one of the two files of a provider. */
static enum ini_read layer_read_saved(const char *name, bool shipped, struct ini_file **out,
				      struct failure *f)
{
	char dir[PATH_SIZE], leaf[NAME_MAX_LEN + 8];
	enum ini_read r;
	int fd;

	if (provider_dir_open(shipped, dir, &fd, f) != 0)
		return INI_FAILED;
	if (fd < 0)
		return INI_ABSENT;
	snprintf(leaf, sizeof(leaf), "%s.conf", name);
	r = ini_file_read(fd, dir, leaf, out, f);
	close(fd);
	return r;
}

/* The same, the user's unsaved text in the place of its file; and checked. */
static enum ini_read layer_read(const char *name, bool shipped, const struct layer_sources *from,
				struct ini_file **out, struct failure *f)
{
	enum ini_read r;

	*out = NULL;
	if (shipped || !from->draft_of || strcmp(from->draft_of, name) != 0)
		r = layer_read_saved(name, shipped, out, f);
	else if (ini_file_parse(from->path, from->text, from->len, out, f) == 0)
		r = INI_READ;
	else
		r = INI_FAILED;
	if (r == INI_READ && schema_check(*out, f) != 0) {
		ini_file_free(*out);
		*out = NULL;
		return INI_FAILED;
	}
	return r;
}

static int chain_fail_unknown(const char *name, const struct ini_item *at, struct failure *f)
{
	char leaf[NAME_MAX_LEN + 24], path[PATH_SIZE], near[NAME_MAX_LEN + 1];
	const char *astray;

	if (at)
		ini_fail(f, at, NULL, "use: there is no provider %s", name);
	else
		fail_set(f, FAIL_NO_ENTRY, NULL, "there is no provider %s", name);
	snprintf(leaf, sizeof(leaf), "providers/%s.conf", name);
	astray = path_astray(PATH_CONFIG, leaf, path);
	if (astray)
		fail_hint(f, "%s leads elsewhere; without it there is %s", astray, path);
	else if (provider_near(name, near))
		fail_hint(f, at ? "did you mean %s?" : "did you mean %s? ", near);
	else
		fail_hint(f, at ? "ccrun --list shows the providers"
				: "ccrun --list shows the providers; ");
	if (!astray && !at)
		fail_hint_add(f, "ccctl edit %s makes one of your own", name);
	return -1;
}

/* What the file says in use =, or NULL; file may be NULL. */
static const struct ini_item *chain_use_item(const struct ini_file *file)
{
	return file ? ini_file_get(file, "provider", "use") : NULL;
}

static void chain_push(struct chain *c, const char *owner, struct ini_file *file, bool users)
{
	if (!file)
		return;
	c->layer[c->n].file = file;
	c->layer[c->n].users = users;
	snprintf(c->layer[c->n].owner, sizeof(c->layer[c->n].owner), "%s", owner);
	c->n++;
}

/* The highest layer was read first: turn the order round. */
static void chain_reverse(struct chain *c)
{
	unsigned i;

	for (i = 0; i < c->n / 2; i++) {
		__typeof__(c->layer[0]) t = c->layer[i];

		c->layer[i] = c->layer[c->n - 1 - i];
		c->layer[c->n - 1 - i] = t;
	}
}

static bool chain_has_owner(const struct chain *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->layer[i].owner, name) == 0)
			return true;
	return false;
}

/* Read the files of a provider, then those of the one that it uses, and so on.
 * from: the item that names the provider, for messages, or NULL. */
static int chain_load(struct chain *c, const char *name, const struct ini_item *from,
		      const struct layer_sources *src, struct failure *f)
{
	struct ini_file *shipped, *overlay = NULL;
	const struct ini_item *use;
	unsigned depth;

	for (depth = 0; depth < CHAIN_DEPTH; depth++) {
		if (!src->only_shipped && layer_read(name, false, src, &overlay, f) == INI_FAILED)
			return -1;
		chain_push(c, name, overlay, true);
		if (layer_read(name, true, src, &shipped, f) == INI_FAILED)
			return -1;
		chain_push(c, name, shipped, false);
		if (!overlay && !shipped)
			return chain_fail_unknown(name, from, f);
		use = chain_use_item(overlay) ? chain_use_item(overlay) : chain_use_item(shipped);
		if (!use || !use->value[0]) {
			chain_reverse(c);
			return 0;
		}
		if (chain_has_owner(c, use->value))
			return ini_fail(f, use, "a provider starts from another one, or from none",
					"use = %s goes in a circle", use->value);
		name = use->value;
		from = use;
	}
	return ini_fail(f, from, NULL, "use: more than %d providers deep", CHAIN_DEPTH);
}

static void view_add_sections(struct view *v, const struct chain *c, const char *mode)
{
	unsigned i;

	for (i = 0; i < c->n; i++) {
		v->section[v->n].file = c->layer[i].file;
		v->section[v->n].owner = c->layer[i].owner;
		v->section[v->n].mode = mode;
		v->n++;
	}
}

static int layers_fail_mode(const struct chain *c, const char *name, const char *mode,
			    struct failure *f)
{
	char names[PROVIDER_MODES_MAX][NAME_MAX_LEN + 1];
	unsigned i, n = layers_modes(c, names, PROVIDER_MODES_MAX);

	fail_set(f, FAIL_NO_ENTRY, NULL, "%s has no mode %.64s", name,
		 wire_name_ok(mode) ? mode : "of that name");
	if (n)
		fail_hint(f, "its modes: %s", names[0]);
	else
		fail_hint(f, "it has no modes");
	for (i = 1; i < n; i++)
		fail_hint_add(f, ", %s", names[i]);
	return -1;
}

/* The highest item that says use = in the mode, or NULL.  *users: in a file of the user's. */
static const struct ini_item *layers_mode_use_item(const struct chain *c, const char *mode,
						   bool *users)
{
	struct layer_section s = { .mode = mode };
	char section[VIEW_SECTION_NAME];
	const struct ini_item *it;
	unsigned i;

	view_section_name(&s, "provider", section);
	for (i = c->n; i-- > 0;) {
		it = ini_file_get(c->layer[i].file, section, "use");
		*users = it && c->layer[i].users;
		if (it)
			return it->value[0] ? it : NULL;
	}
	return NULL;
}

unsigned layers_modes(const struct chain *c, char names[][NAME_MAX_LEN + 1], unsigned max)
{
	char mode[NAME_MAX_LEN + 1];
	unsigned i, k, j, n = 0;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->layer[i].file->items; k++) {
			if (!schema_mode(c->layer[i].file->item[k].section, mode))
				continue;
			for (j = 0; j < n && strcmp(names[j], mode) != 0; j++)
				;
			if (j == n && n < max)
				memcpy(names[n++], mode, sizeof(mode));
		}
	return n;
}

int layers_load(struct view *v, const char *name, const char *mode,
		const struct layer_sources *from, struct failure *f)
{
	char names[PROVIDER_MODES_MAX][NAME_MAX_LEN + 1];
	const struct ini_item *use;
	unsigned i, n;

	memset(v, 0, sizeof(*v));
	if (chain_load(&v->own, name, NULL, from, f) != 0)
		return -1;
	if (!mode[0]) {
		view_add_sections(v, &v->own, NULL);
		return 0;
	}
	n = layers_modes(&v->own, names, PROVIDER_MODES_MAX);
	for (i = 0; i < n && strcmp(names[i], mode) != 0; i++)
		;
	if (i == n)
		return layers_fail_mode(&v->own, name, mode, f);
	use = layers_mode_use_item(&v->own, mode, &v->users_choice);
	if (use) {
		if (chain_load(&v->other, use->value, use, from, f) != 0)
			return -1;
		v->borrowed = true;
	}
	view_add_sections(v, use ? &v->other : &v->own, NULL);
	view_add_sections(v, &v->own, mode);
	return 0;
}

static void chain_free(struct chain *c)
{
	while (c->n)
		ini_file_free(c->layer[--c->n].file);
}

void layers_free(struct view *v)
{
	chain_free(&v->own);
	chain_free(&v->other);
	v->n = 0;
}
