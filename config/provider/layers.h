/*
 * config/provider/layers.h - finding the files of a provider and stacking them: lowest those of
 * the provider that it uses, then its own, then the sections of its mode.
 */
#ifndef CONFIG_PROVIDER_LAYERS_H
#define CONFIG_PROVIDER_LAYERS_H

#include "config/provider/view.h"
#include "wire/limits.h"

struct failure;

/* Which files count. */
struct layer_sources {
	bool only_shipped; /* as if the user had no files */
	/* The user's file of this provider, in the place of the one that is saved; or NULL.  path
	 * is for messages; text[len] is NUL. */
	const char *draft_of, *path, *text;
	size_t len;
};

/*
 * Read a provider and select its mode ("" for none).  0, or -1 as provider_load.
 * layers_free is due in every case.
 */
int layers_load(struct view *v, const char *name, const char *mode,
		const struct layer_sources *from, struct failure *f);
void layers_free(struct view *v);

/* Names of the modes that the files of c declare, at most max.  Returns the count. */
unsigned layers_modes(const struct chain *c, char names[][NAME_MAX_LEN + 1], unsigned max);

#endif
