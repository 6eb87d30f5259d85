/*
 * wire/pasted.h - a key as people paste it: in quotes, as a line of a shell's or a program's
 * file, as a header of HTTP, with characters around it that do not show.
 */
#ifndef WIRE_PASTED_H
#define WIRE_PASTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failure;

/* Where a key stands in what was pasted, and what stands around it. */
struct pasted {
	const uint8_t *p;
	size_t n;
	bool quotes, assignment, header, invisible;
};

#define PASTED_AROUND 80 /* bytes of pasted_around's text */

/*
 * Find the key in the n bytes at p, which are not changed.  carrier: the variable or the
 * header that it is for; a header's value may look like an assignment and is left as it is.
 * What no key is, though wire_token_check lets it pass, is FAIL_BAD_VALUE: one quote, a
 * variable's name, a placeholder, a key that its page shows shortened.  No message has any
 * of the key.  0 or -1.
 */
int pasted_find(struct pasted *out, const uint8_t *p, size_t n, const char *carrier,
		struct failure *f);

/* "quotes", "quotes, an assignment", ...: what stands around it.  "": nothing but blanks. */
void pasted_around(const struct pasted *k, char out[PASTED_AROUND]);

#endif
