/*
 * config/provider/view.h - the sections that make up one provider, lowest first, and
 * looking keys up in them.
 */
#ifndef CONFIG_PROVIDER_VIEW_H
#define CONFIG_PROVIDER_VIEW_H

#include <stdbool.h>
#include "config/ini/ini_file.h"
#include "wire/limits.h"

struct failure;

#define CHAIN_DEPTH 8			/* a uses b uses c: nobody needs more */
#define CHAIN_FILES (2 * CHAIN_DEPTH)	/* the shipped file and the overlay of each */
#define VIEW_SECTIONS (2 * CHAIN_FILES) /* default sections, and those of a mode */
#define VIEW_SECTION_NAME 160

/* The files of a provider and of the providers that it uses, lowest first. */
struct chain {
	struct {
		struct ini_file *file;
		char owner[NAME_MAX_LEN + 1]; /* the provider whose file it is */
		bool users;		      /* the user's file of it, and not the shipped one */
	} layer[CHAIN_FILES];
	unsigned n;
};

/* The sections of one file: its default ones, or those of a mode. */
struct layer_section {
	const struct ini_file *file;
	const char *owner;
	const char *mode; /* NULL: the default sections */
};

struct view {
	struct chain own, other;		     /* other: of a mode that says use = */
	bool borrowed;				     /* the default sections are other's */
	bool users_choice;			     /* and the user's own file says so */
	struct layer_section section[VIEW_SECTIONS]; /* lowest first */
	unsigned n;
};

/*
 * The name in the file of a part of the sections: "env", "mode X env"; of the part
 * "provider" of a mode "mode X".  out has VIEW_SECTION_NAME bytes.
 */
void view_section_name(const struct layer_section *s, const char *part, char *out);

/* Is it one of the user's own files, and not one that ships? */
bool view_is_users(const struct view *v, const struct ini_file *file);

/*
 * The highest item for a key, or NULL when there is none or when its value is
 * empty: an empty value takes back what a lower layer said.  *from (may be
 * NULL) receives where it is.
 */
const struct ini_item *view_get(const struct view *v, const char *part, const char *key,
				const struct layer_section **from);

/*
 * The items of a part, each key once and with its highest value, in order of
 * first appearance, from v->section[first] up.  Returns the count, or -1 when
 * there are more than max (f is set).
 */
int view_items(const struct view *v, unsigned first, const char *part, const struct ini_item **out,
	       unsigned max, struct failure *f);

#endif
