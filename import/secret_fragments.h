/*
 * import/secret_fragments.h - fragments of tokens in other text.
 */
#ifndef IMPORT_SECRET_FRAGMENTS_H
#define IMPORT_SECRET_FRAGMENTS_H

#include "import/found.h"

struct fragment {
	size_t at, end;
};

/* Fragments of which tokens. */
enum fragments_of {
	FRAGMENTS_IN_VAULT, /* those that the vault has */
	FRAGMENTS_FOUND,    /* all of 12 characters or more: a shorter one may be any word */
	FRAGMENTS_SHOWN	    /* all of 6 or more, for masking alone */
};

/*
 * The first fragment in p[from..n): 12 characters in a row of a token, or all of a
 * shorter one.  Its at is n when there is none.
 */
struct fragment fragment_next(const struct import *im, enum fragments_of of, const char *p,
			      size_t from, size_t n);

#endif
