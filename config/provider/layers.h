/*
 * config/provider/layers.h - the files that make up one provider, lowest first: those
 * of the provider that it uses, its own, and the sections of its mode.
 */
#ifndef CONFIG_PROVIDER_LAYERS_H
#define CONFIG_PROVIDER_LAYERS_H

#include <stdbool.h>
#include "config/ini/ini_file.h"
#include "wire/limits.h"

struct failure;

#define CHAIN_DEPTH 8		       /* a uses b uses c: nobody needs more */
#define CHAIN_FILES (2 * CHAIN_DEPTH)  /* the shipped file and the overlay of each */
#define VIEW_SECTIONS (2 * CHAIN_FILES) /* default sections, and those of a mode */

/* A provider's files and those of the providers it uses. */
struct chain {
	struct {
		struct ini_file *file;
		char owner[NAME_MAX_LEN + 1]; /* whose file it is */
	} layer[CHAIN_FILES];
	unsigned n;
};

/* The sections of one file, of its default or of a mode. */
struct layer_section {
	const struct ini_file *file;
	const char *owner;
	const char *mode; /* NULL: the default sections */
};

struct view {
	struct chain own, other; /* other: of a mode that says use = */
	bool borrowed;		 /* the default sections are other's */
	struct layer_section section[VIEW_SECTIONS]; /* lowest first */
	unsigned n;
};

/*
 * Read a provider and select its mode ("" for none).  Fails as provider_load.
 * layers_free is due in every case.
 */
int layers_load(struct view *v, const char *name, const char *mode, struct failure *f);
void layers_free(struct view *v);

/* Names of the modes that the files of c declare, at most max.  Returns the count. */
unsigned layers_modes(const struct chain *c, char names[][NAME_MAX_LEN + 1], unsigned max);

/*
 * The section name of `part` in a source: "env", "mode X env"; for the part
 * "provider" of a mode "mode X".  out has VIEW_SECTION_NAME bytes.
 */
#define VIEW_SECTION_NAME 160
void view_section_name(const struct layer_section *s, const char *part, char *out);

/*
 * The highest item for a key, or NULL when there is none or when its value is
 * empty: an empty value takes back what a lower layer said.  *from (may be
 * NULL) is its source.
 */
const struct ini_item *view_get(const struct view *v, const char *part, const char *key,
				const struct layer_section **from);

/*
 * The items of a part, each key once and with its highest value, in order of
 * first appearance, from source number `first` up.  Returns the count, or -1
 * when there are more than max (f is set).
 */
int view_items(const struct view *v, unsigned first, const char *part,
	       const struct ini_item **out, unsigned max, struct failure *f);

#endif
