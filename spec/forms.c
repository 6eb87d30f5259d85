/*
 * spec/forms.c - reading a form.
 */
#include "spec/forms.h"

#include <string.h>

#define DEPTH 4 /* of brackets */

struct reader {
	struct form_item *items;
	unsigned n;
	unsigned depth, groups;
	/* For each open bracket, and 0 for none: its group, its alternative, its first item. */
	unsigned group[DEPTH], alternative[DEPTH], first[DEPTH];
	const struct option_spec *option; /* whose argument is next, or NULL */
};

bool form_word_is_choice(const char *word, size_t n)
{
	return n > 0 && ((word[0] >= 'a' && word[0] <= 'z') || (word[0] >= '0' && word[0] <= '9'));
}

/* Up to the blank or bracket that ends it; "NAME[:MODE]" is one word. */
static size_t word_length(const char *at)
{
	size_t n = 0;

	for (;;) {
		n += strcspn(at + n, " []");
		if (strncmp(at + n, "[:", 2) != 0)
			return n;
		n += strcspn(at + n, "]") + 1;
	}
}

static void bracket_open(struct reader *r)
{
	if (r->depth + 1 >= DEPTH)
		return;
	r->depth++;
	r->group[r->depth] = ++r->groups;
	r->alternative[r->depth] = 0;
	r->first[r->depth] = r->n;
}

static void bracket_close(struct reader *r, bool repeats)
{
	unsigned i;

	if (r->depth == 0)
		return;
	for (i = r->first[r->depth]; repeats && i < r->n; i++)
		r->items[i].repeats = true;
	r->depth--;
}

static void word_add(struct reader *r, const struct option_spec *options, const char *word,
		     size_t n)
{
	struct form_item *item = &r->items[r->n];
	char name[64];

	if (r->option) { /* its argument */
		r->option = NULL;
		return;
	}
	if (r->n == FORM_ITEMS || n >= sizeof(name))
		return;
	memcpy(name, word, n);
	name[n] = '\0';
	*item = (struct form_item){ .word = word,
				    .n = n,
				    .wanted = r->depth == 0,
				    .group = r->group[r->depth],
				    .alternative = r->alternative[r->depth] };
	item->option = word[0] == '-' ? option_spec_find(options, name) : NULL;
	if (item->option && item->option->argument)
		r->option = item->option;
	r->n++;
}

unsigned form_read(const char *form, const struct option_spec *options,
		   struct form_item items[FORM_ITEMS])
{
	struct reader r = { .items = items };
	bool repeats;
	size_t n;

	while (*form) {
		n = 1;
		repeats = strncmp(form, "...", 3) == 0;
		if (repeats) {
			n = 3;
			if (r.n)
				items[r.n - 1].repeats = true;
		} else if (*form == '[') {
			bracket_open(&r);
		} else if (*form == ']') {
			repeats = strncmp(form + 1, "...", 3) == 0;
			bracket_close(&r, repeats);
			n = repeats ? 4 : 1;
		} else if (*form == '|') {
			r.alternative[r.depth]++;
		} else if (*form != ' ') {
			n = word_length(form);
			word_add(&r, options, form, n);
		}
		form += n;
	}
	return r.n;
}
