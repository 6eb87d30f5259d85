/*
 * spec/forms.h - a form of spec/spec.h, read: which options and which words it has.
 */
#ifndef SPEC_FORMS_H
#define SPEC_FORMS_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/spec.h"

#define FORM_ITEMS 24

struct form_item {
	const struct option_spec *option; /* NULL: a word */
	const char *word;		  /* a placeholder, or a choice: n bytes in the form */
	size_t n;
	bool repeats; /* it may be there more than once */
	bool wanted;  /* it is in no brackets */
	/* Of an option: two of one group and of different alternatives exclude each other. */
	unsigned group, alternative;
};

/* The items of a form in their order, without the options' arguments.  Returns how many. */
unsigned form_read(const char *form, const struct option_spec *options,
		   struct form_item items[FORM_ITEMS]);

/* Is it a choice of words, a|b, and not a placeholder? */
bool form_word_is_choice(const char *word, size_t n);

#endif
