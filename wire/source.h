/*
 * wire/source.h - the source of a token that another password manager keeps: as the
 * vault seals it, and as the wire carries it.
 */
#ifndef WIRE_SOURCE_H
#define WIRE_SOURCE_H

#include <stdbool.h>
#include "wire/limits.h"
#include "wire/unpack.h"

struct failure;
struct wire_out;

/* No text is empty or has control characters. */
struct entry_source {
	char ref[SOURCE_REF_MAX + 1];	      /* what was typed: pass:ai/openrouter */
	char command[SOURCE_COMMAND_MAX + 1]; /* the words that fetch it, config/source/command.h */
	char pick[SOURCE_PICK_MAX +
		  1]; /* what of their output it is: line, first-line, json:FIELD */
};

/* Add the keys source, command, pick. */
void wire_put_source(struct wire_out *o, const struct entry_source *s);

/* Read them.  *there: does the map have a source?  NULL: it must.  0, or -1 with
 * FAIL_WRONG_TYPE, FAIL_TOO_LARGE or FAIL_BAD_VALUE. */
int wire_get_source(struct wire_map m, struct entry_source *s, bool *there, struct failure *f);

#endif
