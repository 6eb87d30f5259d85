/*
 * vault/tagged_fields.h - reading what bytes_put_field wrote: the fields of one entry, of one
 * image, or of the lock settings.
 */
#ifndef VAULT_TAGGED_FIELDS_H
#define VAULT_TAGGED_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_reader;
struct failure;

/* What may be there; the bit of each tag fits an unsigned. */
struct tagged_fields {
	const char *owner;   /* for messages: "an entry" */
	unsigned first, end; /* the tags that are known: from first, below end */
	/* Take one field's n bytes at p into to.  False: they are not allowed. */
	bool (*read)(void *to, unsigned tag, const uint8_t *p, size_t n);
};

/*
 * Read all fields of c, in any order, each at most once.  0, and *seen has 1 << TAG of each
 * that is there; or -1 with FAIL_NEWER (a tag that is not known) or FAIL_DAMAGED.
 */
int tagged_fields_read(struct byte_reader *c, const struct tagged_fields *rules, void *to,
		       unsigned *seen, struct failure *f);

/* The number of a field that bytes_put_number_field wrote.  False: it is none. */
bool tagged_number_read(uint64_t *out, const uint8_t *p, size_t n);

#endif
