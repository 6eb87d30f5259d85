/*
 * config/source/source_private.h - what the two halves of sources share.
 */
#ifndef CONFIG_SOURCE_SOURCE_PRIVATE_H
#define CONFIG_SOURCE_SOURCE_PRIVATE_H

#include "config/source/source.h"

/* A reference taken apart, as the file's command needs it. */
struct source_ref {
	const char *ref;
	char path[SOURCE_REF_MAX + 1];	/* behind the scheme, up to the # where there is a field */
	char field[SOURCE_REF_MAX + 1]; /* behind the last #; "" for none */
};

/*
 * The words of the file's command for a reference; the program as the file
 * names it.  *pick has SOURCE_PICK_MAX + 1 bytes.  0 or -1.  words_free is due.
 */
int source_expand(const struct source_file *s, const char *ref, struct words *out, char *pick,
		  struct failure *f);

#endif
