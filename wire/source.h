/*
 * wire/source.h - where a token comes from that stays in another manager: as it
 * is sealed, and as the wire carries it.
 */
#ifndef WIRE_SOURCE_H
#define WIRE_SOURCE_H

#include <stdbool.h>
#include "wire/limits.h"
#include "wire/unpack.h"

struct failure;
struct wire_out;

/* None is empty, none has control characters. */
struct entry_source {
	char ref[SOURCE_REF_MAX + 1];	      /* what was typed: pass:ai/openrouter */
	char command[SOURCE_COMMAND_MAX + 1]; /* the words that fetch it, config/source/command.h */
	char pick[SOURCE_PICK_MAX + 1];	      /* what of their output it is: line, first-line, json:FIELD */
};

/* Three keys of the map that is being written. */
void wire_put_source(struct wire_out *o, const struct entry_source *s);

/* *there (may be NULL: then it must be): does the map have one?  0 or -1. */
int wire_get_source(struct wire_map m, struct entry_source *s, bool *there, struct failure *f);

#endif
