/*
 * helpers/usage/usage_kind.h - the kinds of quota: how one is asked for, and read ([usage]
 * kind = in a provider's file).
 */
#ifndef HELPERS_USAGE_USAGE_KIND_H
#define HELPERS_USAGE_USAGE_KIND_H

#include "helpers/usage/answer_parsers.h"

struct usage_place;

struct usage_kind {
	const char *name;
	const struct usage_place *place; /* which URL is asked, and with which header */
	const char *header;		 /* an additional header, or NULL */
	unsigned least;			 /* seconds to wait after an error, at least */
	answer_parser *parse;
};

/* The kind of this name, or NULL. */
const struct usage_kind *usage_kind_find(const char *name);

/* The name of kind number i, from 0; NULL after the last. */
const char *usage_kind_name(unsigned i);

#endif
